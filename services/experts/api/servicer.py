"""`zhihui.experts.v1.ExpertsService`: decode, call one handler, encode."""

import dataclasses
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import date
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message
from grpc import aio
from zhihui.common.v1 import common_pb2
from zhihui.experts.v1 import experts_pb2 as pb
from zhihui.experts.v1 import experts_pb2_grpc as pb_grpc

from libs.auth.principal import OutsideOfScope, Role, current_principal, node_scope, require_scope
from libs.clock import Clock
from libs.errors import FieldViolation, InvalidInput
from libs.geo.points import OutsideCountry, Point, SwappedCoordinates, WrongDatum, stored_point
from libs.ids import new_id
from libs.postgres.pool import Connection
from libs.rpc.etag import etag_of, require_etag
from libs.rpc.mapping import day_from, from_message, to_message
from libs.rpc.mask import apply_mask
from libs.rpc.paging import page_of
from libs.rpc.repeat import once
from libs.rpc.validation import require_valid
from services.experts.domain.expert import (
    LOCAL,
    Expert,
    ExpertNotFound,
    Group,
    PersonalData,
    State,
    Window,
)
from services.experts.domain.expert import Role as ServingRole
from services.experts.domain.pool import Pool, SharingAgreement
from services.experts.domain.talk import Review, Talk
from services.experts.handlers import expert as experts
from services.experts.handlers import pool as pools
from services.experts.handlers import talk as talks
from services.experts.ports import ExpertFilter, Transaction

Context = aio.ServicerContext[Any, Any]
Response = TypeVar("Response", bound=Message)

_KEEPERS = frozenset({Role.DISTRICT_COORDINATOR, Role.CITY_COORDINATOR, Role.ADMIN, Role.SERVICE})


class HomeMissing(InvalidInput):
    """An expert is registered without a home; travel cannot be planned without one."""


class StoredTransaction(Transaction, Protocol):
    """A transaction of ours over a connection, which the kit needs for repeated calls."""

    @property
    def connection(self) -> Connection:
        """The connection, with the transaction open."""


class ExpertsServicer(pb_grpc.ExpertsServiceServicer):
    """Whose: an expert may change only what is their own; a coordinator only in their nodes."""

    def __init__(
        self,
        *,
        transaction: Callable[[], AbstractAsyncContextManager[StoredTransaction]],
        clock: Clock,
    ) -> None:
        self._transaction = transaction
        self._clock = clock

    async def _once(
        self,
        request: Message,
        response_type: type[Response],
        act: Callable[[StoredTransaction], Awaitable[Response]],
    ) -> Response:
        async with self._transaction() as tx:
            return await once(tx.connection, request, response_type, lambda: act(tx))

    def _today(self) -> date:
        return self._clock().astimezone(LOCAL).date()

    # experts

    async def RegisterExpert(
        self, request: pb.RegisterExpertRequest, context: Context
    ) -> pb.RegisterExpertResponse:
        name = f"experts/{request.expert_id or new_id('exp')}"
        expert = dataclasses.replace(
            expert_from(request.expert), name=name, home_area=None, state=State.ACTIVE, version=1
        )
        personal = personal_from(request.personal_data)

        async def act(tx: StoredTransaction) -> pb.RegisterExpertResponse:
            await require_keeper(tx, expert)
            stored = await experts.register_expert(expert, personal, tx, now=self._clock())
            return pb.RegisterExpertResponse(expert=expert_to(stored))

        return await self._once(request, pb.RegisterExpertResponse, act)

    async def GetExpert(
        self, request: pb.GetExpertRequest, context: Context
    ) -> pb.GetExpertResponse:
        async with self._transaction() as tx:
            return pb.GetExpertResponse(expert=expert_to(await tx.experts.get(request.name)))

    async def ListExperts(
        self, request: pb.ListExpertsRequest, context: Context
    ) -> pb.ListExpertsResponse:
        page = page_of(request)
        chosen = ExpertFilter(
            role=_role(request.role),
            topic=request.topic,
            pool=request.pool,
            text=request.text,
            show_withdrawn=request.show_withdrawn,
        )
        async with self._transaction() as tx:
            found = await tx.experts.page(chosen, after=_name(page.after), size=page.size + 1)
        response = pb.ListExpertsResponse(experts=[expert_to(one) for one in found[: page.size]])
        if len(found) > page.size:
            response.next_page_token = page.token_after(found[page.size - 1].name)
        return response

    async def UpdateExpert(
        self, request: pb.UpdateExpertRequest, context: Context
    ) -> pb.UpdateExpertResponse:
        def change(before: Expert) -> Expert:
            require_etag(request.expert.etag, name=before.name, version=before.version)
            message = apply_mask(expert_to(before), request.expert, request.update_mask)
            require_valid(message, path="expert")
            after = expert_from(message)
            return dataclasses.replace(
                after,
                name=before.name,
                home_area=before.home_area,
                state=before.state,
                version=before.version,
                create_time=before.create_time,
                update_time=before.update_time,
            )

        async def act(tx: StoredTransaction) -> pb.UpdateExpertResponse:
            await require_own_or_keeper(tx, await tx.experts.get(request.expert.name))
            stored = await experts.update_expert(request.expert.name, change, tx, now=self._clock())
            return pb.UpdateExpertResponse(expert=expert_to(stored))

        return await self._once(request, pb.UpdateExpertResponse, act)

    async def WithdrawExpert(
        self, request: pb.WithdrawExpertRequest, context: Context
    ) -> pb.WithdrawExpertResponse:
        async def act(tx: StoredTransaction) -> pb.WithdrawExpertResponse:
            await require_own_or_keeper(tx, await tx.experts.get(request.name))
            stored = await experts.withdraw_expert(
                request.name, _seen(request.etag), tx, now=self._clock()
            )
            return pb.WithdrawExpertResponse(expert=expert_to(stored))

        return await self._once(request, pb.WithdrawExpertResponse, act)

    async def GetPersonalData(
        self, request: pb.GetPersonalDataRequest, context: Context
    ) -> pb.GetPersonalDataResponse:
        name = request.name.removesuffix("/personalData")
        principal = current_principal()
        own = principal.expert_id is not None and f"experts/{principal.expert_id}" == name
        async with self._transaction() as tx:
            expert = await tx.experts.get(name)
            keeper = own or await is_keeper(tx, expert)
            if not keeper and not await tx.experts.is_in_team_for(name, nodes=principal.nodes):
                raise experts.ContactNotReleased(
                    "the contact is released with a published event", expert=name
                )
            personal = await tx.experts.personal(name)
        if personal is None:
            raise ExpertNotFound("the personal data was erased", expert=name)
        message = pb.PersonalData(name=request.name, phone=personal.phone, email=personal.email)
        if keeper:
            message.home.CopyFrom(point_to(personal.home))
        return pb.GetPersonalDataResponse(personal_data=message)

    async def SetPersonalData(
        self, request: pb.SetPersonalDataRequest, context: Context
    ) -> pb.SetPersonalDataResponse:
        name = request.personal_data.name.removesuffix("/personalData")
        personal = personal_from(request.personal_data)

        async def act(tx: StoredTransaction) -> pb.SetPersonalDataResponse:
            await require_own_or_keeper(tx, await tx.experts.get(name))
            stored = await experts.set_personal_data(name, personal, tx, now=self._clock())
            message = pb.PersonalData(
                name=f"{name}/personalData",
                phone=stored.phone,
                email=stored.email,
                home=point_to(stored.home),
            )
            return pb.SetPersonalDataResponse(personal_data=message)

        return await self._once(request, pb.SetPersonalDataResponse, act)

    async def GetAvailability(
        self, request: pb.GetAvailabilityRequest, context: Context
    ) -> pb.GetAvailabilityResponse:
        period = from_message(Window, request.period)
        experts.require_short(period)
        async with self._transaction() as tx:
            await tx.experts.get(request.expert)
            windows = await tx.experts.windows(request.expert, period=period)
        return pb.GetAvailabilityResponse(windows=[window_to(window) for window in windows])

    async def SetAvailability(
        self, request: pb.SetAvailabilityRequest, context: Context
    ) -> pb.SetAvailabilityResponse:
        period = from_message(Window, request.period)
        windows = [from_message(Window, window) for window in request.windows]

        async def act(tx: StoredTransaction) -> pb.SetAvailabilityResponse:
            await require_own_or_keeper(tx, await tx.experts.get(request.expert))
            standing, expert = await experts.set_availability(
                request.expert,
                period=period,
                windows=windows,
                check=_seen(request.etag),
                tx=tx,
                now=self._clock(),
            )
            return pb.SetAvailabilityResponse(
                windows=[window_to(window) for window in standing], expert=expert_to(expert)
            )

        return await self._once(request, pb.SetAvailabilityResponse, act)

    # talks

    async def CreateTalk(
        self, request: pb.CreateTalkRequest, context: Context
    ) -> pb.CreateTalkResponse:
        name = f"{request.parent}/talks/{request.talk_id or new_id('talk')}"
        talk = dataclasses.replace(
            from_message(Talk, request.talk, path="talk"),
            name=name,
            expert=request.parent,
            versions=(),
        )

        async def act(tx: StoredTransaction) -> pb.CreateTalkResponse:
            await require_own_or_keeper(tx, await tx.experts.get(request.parent))
            stored = await talks.create_talk(
                talk, abstract=request.abstract, tx=tx, now=self._clock()
            )
            return pb.CreateTalkResponse(talk=to_message(stored, pb.Talk))

        return await self._once(request, pb.CreateTalkResponse, act)

    async def GetTalk(self, request: pb.GetTalkRequest, context: Context) -> pb.GetTalkResponse:
        async with self._transaction() as tx:
            talk = await tx.talks.get(request.name)
        return pb.GetTalkResponse(talk=to_message(talk, pb.Talk))

    async def ListTalks(
        self, request: pb.ListTalksRequest, context: Context
    ) -> pb.ListTalksResponse:
        page = page_of(request)
        async with self._transaction() as tx:
            found = await tx.talks.page(
                expert=None if request.parent == "experts/-" else request.parent,
                topic=request.topic,
                approved_for=_group(request.approved_for),
                on=self._today(),
                after=_name(page.after),
                size=page.size + 1,
            )
        response = pb.ListTalksResponse(
            talks=[to_message(talk, pb.Talk) for talk in found[: page.size]]
        )
        if len(found) > page.size:
            response.next_page_token = page.token_after(found[page.size - 1].name)
        return response

    async def AddTalkVersion(
        self, request: pb.AddTalkVersionRequest, context: Context
    ) -> pb.AddTalkVersionResponse:
        async def act(tx: StoredTransaction) -> pb.AddTalkVersionResponse:
            talk = await tx.talks.get(request.talk)
            await require_own_or_keeper(tx, await tx.experts.get(talk.expert))
            stored = await talks.add_talk_version(
                request.talk, abstract=request.abstract, tx=tx, now=self._clock()
            )
            return pb.AddTalkVersionResponse(talk=to_message(stored, pb.Talk))

        return await self._once(request, pb.AddTalkVersionResponse, act)

    async def ReviewTalkVersion(
        self, request: pb.ReviewTalkVersionRequest, context: Context
    ) -> pb.ReviewTalkVersionResponse:
        review = from_message(Review, request.review, path="review")

        async def act(tx: StoredTransaction) -> pb.ReviewTalkVersionResponse:
            stored = await talks.review_talk_version(
                request.talk, number=request.number, review=review, tx=tx, now=self._clock()
            )
            return pb.ReviewTalkVersionResponse(talk=to_message(stored, pb.Talk))

        return await self._once(request, pb.ReviewTalkVersionResponse, act)

    # pools

    async def CreatePool(
        self, request: pb.CreatePoolRequest, context: Context
    ) -> pb.CreatePoolResponse:
        pool = Pool(
            name=f"pools/{request.pool_id or new_id('pool')}",
            display_name=request.pool.display_name,
            owner=request.pool.owner,
        )

        async def act(tx: StoredTransaction) -> pb.CreatePoolResponse:
            await require_node(tx, pool.owner)
            stored = await pools.create_pool(pool, tx, now=self._clock())
            return pb.CreatePoolResponse(pool=to_message(stored, pb.Pool))

        return await self._once(request, pb.CreatePoolResponse, act)

    async def GetPool(self, request: pb.GetPoolRequest, context: Context) -> pb.GetPoolResponse:
        async with self._transaction() as tx:
            pool = await tx.pools.get_for_update(request.name)
        return pb.GetPoolResponse(pool=to_message(pool, pb.Pool))

    async def ListPools(
        self, request: pb.ListPoolsRequest, context: Context
    ) -> pb.ListPoolsResponse:
        page = page_of(request)
        async with self._transaction() as tx:
            found = await tx.pools.page(
                owner=request.owner, after=_name(page.after), size=page.size + 1
            )
        response = pb.ListPoolsResponse(
            pools=[to_message(pool, pb.Pool) for pool in found[: page.size]]
        )
        if len(found) > page.size:
            response.next_page_token = page.token_after(found[page.size - 1].name)
        return response

    async def CreateSharingAgreement(
        self, request: pb.CreateSharingAgreementRequest, context: Context
    ) -> pb.CreateSharingAgreementResponse:
        agreement = dataclasses.replace(
            from_message(SharingAgreement, request.agreement, path="agreement"),
            name=f"{request.parent}/agreements/{request.agreement_id or new_id('agr')}",
        )

        async def act(tx: StoredTransaction) -> pb.CreateSharingAgreementResponse:
            await require_node(tx, (await tx.pools.get_for_update(request.parent)).owner)
            stored = await pools.create_sharing_agreement(
                request.parent, agreement, tx, now=self._clock()
            )
            return pb.CreateSharingAgreementResponse(pool=to_message(stored, pb.Pool))

        return await self._once(request, pb.CreateSharingAgreementResponse, act)

    async def EndSharingAgreement(
        self, request: pb.EndSharingAgreementRequest, context: Context
    ) -> pb.EndSharingAgreementResponse:
        pool = request.name.split("/agreements/")[0]
        end_date = day_from(request.end_date, path="end_date")

        async def act(tx: StoredTransaction) -> pb.EndSharingAgreementResponse:
            await require_node(tx, (await tx.pools.get_for_update(pool)).owner)
            stored = await pools.end_sharing_agreement(
                pool, agreement=request.name, end_date=end_date, tx=tx, now=self._clock()
            )
            return pb.EndSharingAgreementResponse(pool=to_message(stored, pb.Pool))

        return await self._once(request, pb.EndSharingAgreementResponse, act)

    # service records

    async def ListServiceRecords(
        self, request: pb.ListServiceRecordsRequest, context: Context
    ) -> pb.ListServiceRecordsResponse:
        page = page_of(request)
        principal = current_principal()
        if principal.roles == {Role.EXPERT} and f"experts/{principal.expert_id}" != request.parent:
            raise OutsideOfScope("these are another expert's", expert=request.parent)
        after = (str(page.after[0]), str(page.after[1])) if page.after else None
        async with self._transaction() as tx:
            found = await tx.experts.records(request.parent, after=after, size=page.size + 1)
        response = pb.ListServiceRecordsResponse(
            records=[to_message(record, pb.ServiceRecord) for record in found[: page.size]]
        )
        if len(found) > page.size:
            last = found[page.size - 1]
            response.next_page_token = page.token_after(
                last.period.start_time.isoformat(), last.assignment
            )
        return response


async def is_keeper(tx: Transaction, expert: Expert) -> bool:
    """Whether the caller coordinates a node the expert lives in, or that owns one of their pools."""
    principal = current_principal()
    if not principal.roles & _KEEPERS:
        return False
    scope = node_scope(principal)
    return scope is None or bool(set(scope) & set(await _paths(tx, expert)))


async def require_keeper(tx: Transaction, expert: Expert) -> None:
    """Refuse a caller who is none.

    Raises:
        OutsideOfScope: the expert belongs to no node the caller acts for.
    """
    if not await is_keeper(tx, expert):
        raise OutsideOfScope("this expert belongs to no node you act for", expert=expert.name)


async def require_own_or_keeper(tx: Transaction, expert: Expert) -> None:
    """Refuse a caller who is neither the expert nor a coordinator of theirs.

    Raises:
        OutsideOfScope: neither.
    """
    own = current_principal().expert_id
    if own is None or f"experts/{own}" != expert.name:
        await require_keeper(tx, expert)


async def require_node(tx: Transaction, node: str) -> None:
    """Refuse a caller who does not act for `node`.

    Raises:
        OutsideOfScope: nor for any above it.
    """
    require_scope(current_principal(), node_path=await tx.experts.node_path(node))


async def _paths(tx: Transaction, expert: Expert) -> list[str]:
    nodes = [expert.home_node, *await tx.pools.owners([one.pool for one in expert.memberships])]
    return [above for node in nodes for above in await tx.experts.node_path(node)]


def expert_from(message: pb.Expert) -> Expert:
    """The expert as the caller writes it."""
    return from_message(Expert, message, path="expert")


def expert_to(expert: Expert) -> pb.Expert:
    """The expert as callers read it."""
    message = to_message(expert, pb.Expert)
    message.etag = etag_of(expert.name, expert.version)
    return message


def personal_from(message: pb.PersonalData) -> PersonalData:
    """Contact and exact home.

    Raises:
        HomeMissing: there is no home.
        WrongDatum, SwappedCoordinates, OutsideCountry: of the home, with its path.
    """
    path = "personal_data.home"
    if not message.HasField("home"):
        raise HomeMissing(
            "a home is needed, to plan travel", violations=[FieldViolation(path, "is missing")]
        )
    datum = common_pb2.Datum.Name(message.home.datum).removeprefix("DATUM_")
    try:
        home = stored_point(
            lat=message.home.latitude,
            lon=message.home.longitude,
            datum="WGS84" if datum == "UNSPECIFIED" else datum,
        )
    except (WrongDatum, SwappedCoordinates, OutsideCountry) as refusal:
        raise type(refusal)(
            refusal.sentence, violations=[FieldViolation(path, refusal.sentence)], **refusal.details
        ) from refusal
    return PersonalData(phone=message.phone, email=message.email, home=home)


def point_to(point: Point) -> common_pb2.Point:
    """A point as callers read it."""
    return common_pb2.Point(latitude=point.lat, longitude=point.lon, datum=common_pb2.DATUM_WGS84)


def window_to(window: Window) -> common_pb2.Period:
    """A free window as callers read it."""
    return to_message(window, common_pb2.Period)


def _seen(etag: str) -> Callable[[Expert], None]:
    return lambda expert: require_etag(etag, name=expert.name, version=expert.version)


def _name(after: tuple[str | int, ...] | None) -> str | None:
    return str(after[0]) if after else None


def _role(value: common_pb2.Role.ValueType) -> ServingRole | None:
    return ServingRole[common_pb2.Role.Name(value).removeprefix("ROLE_")] if value else None


def _group(value: common_pb2.AudienceGroup.ValueType) -> Group | None:
    name = common_pb2.AudienceGroup.Name(value).removeprefix("AUDIENCE_GROUP_")
    return Group[name] if value else None
