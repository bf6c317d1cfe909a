"""An example of every fact: things of one small story, each fact with the state that its name implies."""

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.contract.protos import fact_descriptors

AT = "2026-11-23T08:00:00Z"
_PERIOD = {"startTime": "2026-12-07T06:30:00Z", "endTime": "2026-12-07T07:30:00Z"}

_EXPERT = {
    "name": "experts/ex-0042",
    "displayName": "示例 周专家",
    "role": "ROLE_LECTURER",
    "homeNode": "nodes/town-beibei-03",
    "homeArea": {"latitude": 29.81, "longitude": 106.4, "datum": "DATUM_WGS84"},
    "skills": [{"topic": "space", "proficiency": 3}],
    "audiences": ["AUDIENCE_GROUP_YOUTH"],
    "forms": ["FORM_LECTURE"],
    "levels": ["LANGUAGE_LEVEL_JUNIOR"],
    "limits": {"perDay": 2, "perWeek": 4, "perRound": 8, "travelMinPerDay": 300},
    "clearances": [{"startDate": "2026-01-01", "endDate": "2027-12-31"}],
    "memberships": [
        {"pool": "pools/lecturers", "term": {"startDate": "2026-01-01", "endDate": "2028-12-31"}}
    ],
    "state": "STATE_ACTIVE",
    "version": "3",
}
_TALK = {
    "name": "experts/ex-0042/talks/space",
    "expert": "experts/ex-0042",
    "title": "示例 空间站里的一天",
    "topic": "space",
    "form": "FORM_LECTURE",
    "durationMin": 60,
    "audiences": ["AUDIENCE_GROUP_YOUTH"],
    "levels": ["LANGUAGE_LEVEL_JUNIOR"],
    "versions": [
        {
            "number": 1,
            "abstract": "示例 从起床到睡觉",
            "reviews": [
                {
                    "kind": kind,
                    "passed": True,
                    "reviewer": reviewer,
                    "audiences": ["AUDIENCE_GROUP_YOUTH"],
                    "expireDate": "2027-11-23",
                }
                for kind, reviewer in (
                    ("REVIEW_KIND_POLITICAL", "reviewer-01"),
                    ("REVIEW_KIND_SCIENTIFIC", "reviewer-02"),
                )
            ],
        }
    ],
}
_EXPERT_STATE = {
    "expert": _EXPERT,
    "talks": [_TALK],
    "availability": [{"startTime": "2026-12-07T00:00:00Z", "endTime": "2026-12-07T10:00:00Z"}],
}
_POOL = {
    "name": "pools/lecturers",
    "displayName": "示例 院士专家科普讲师团",
    "owner": "nodes/city",
    "agreements": [
        {
            "name": "pools/lecturers/agreements/chengkou",
            "node": "nodes/chengkou",
            "quota": 12,
            "term": {"startDate": "2026-01-01", "endDate": "2026-12-31"},
        }
    ],
    "version": "2",
}
_NODE = {
    "name": "nodes/chengkou",
    "kind": "NODE_KIND_DISTRICT",
    "displayName": "城口县",
    "displayNameEn": "Chengkou County",
    "parent": "nodes/city",
    "validity": {"startDate": "1997-06-18"},
    "adcode": "500229",
    "population": "197497",
    "seat": {"latitude": 31.948, "longitude": 108.664, "datum": "DATUM_WGS84"},
    "mountain": True,
    "path": ["nodes/city", "nodes/chengkou"],
    "version": "1",
}
_VENUE = {
    "name": "venues/venue-0031",
    "displayName": "示例 城口第一中学",
    "node": "nodes/chengkou",
    "point": {"latitude": 31.95, "longitude": 108.66, "datum": "DATUM_WGS84"},
    "group": "AUDIENCE_GROUP_YOUTH",
    "capacity": 400,
    "facilities": ["projector"],
    "annualCap": 4,
    "district": "nodes/chengkou",
    "nodePath": ["nodes/city", "nodes/chengkou"],
    "version": "1",
}
_REQUEST = {
    "name": "requests/req-0007",
    "venue": "venues/venue-0031",
    "title": "示例 航天与天文",
    "group": "AUDIENCE_GROUP_YOUTH",
    "level": "LANGUAGE_LEVEL_JUNIOR",
    "audienceSize": 320,
    "form": "FORM_LECTURE",
    "topic": "space",
    "durationMin": 60,
    "windows": [{"startTime": "2026-12-07T06:00:00Z", "endTime": "2026-12-07T09:00:00Z"}],
    "seats": [{"roles": ["ROLE_LECTURER"], "topic": "space", "proficiency": 2, "count": 1}],
    "node": "nodes/chengkou",
    "district": "nodes/chengkou",
    "nodePath": ["nodes/city", "nodes/chengkou"],
}
_MEMBER = {
    "assignment": "assignments/as-0007",
    "expert": "experts/ex-0042",
    "displayName": "示例 周专家",
    "role": "ROLE_LECTURER",
    "talk": "experts/ex-0042/talks/space",
    "talkVersion": 1,
    "talkTitle": "示例 空间站里的一天",
}
_EVENT = {
    "name": "events/ev-0007",
    "request": "requests/req-0007",
    "round": "rounds/2026-12",
    "venue": "venues/venue-0031",
    "title": "示例 航天与天文",
    "group": "AUDIENCE_GROUP_YOUTH",
    "form": "FORM_LECTURE",
    "topic": "space",
    "period": _PERIOD,
    "team": [_MEMBER],
    "node": "nodes/chengkou",
    "district": "nodes/chengkou",
    "nodePath": ["nodes/city", "nodes/chengkou"],
}
_ROUND = {
    "name": "rounds/2026-12",
    "title": "示例 十二月校园行",
    "horizon": {"startDate": "2026-12-01", "endDate": "2026-12-21"},
    "policy": "policies/campus-autumn",
}
_FROZEN = {
    "policyVersion": 1,
    "inputsHash": "9d5f0c6e" * 8,
    "requestsCount": 1,
    "expertsCount": 1,
    "freezeTime": "2026-11-23T07:00:00Z",
}
# of the one line that the contract defines for this story; the contract test computes it again
PUBLISHED_HASH = "b2cefb956b409ac35e98ad6cb1e8eec9d3919d7a40c523ff5cdf577879827bb8"
_PUBLISHED = {
    **_FROZEN,
    "plan": "rounds/2026-12/plans/p1",
    "assignmentsCount": 1,
    "publishTime": AT,
}
_ASSIGNMENT = {
    "name": "assignments/as-0007",
    "round": "rounds/2026-12",
    "request": "requests/req-0007",
    "event": "events/ev-0007",
    "expert": "experts/ex-0042",
    "expertDisplayName": "示例 周专家",
    "role": "ROLE_LECTURER",
    "venue": "venues/venue-0031",
    "title": "示例 航天与天文",
    "period": _PERIOD,
    "district": "nodes/chengkou",
}
_STAGES = [
    {"stage": "STAGE_NEED", "value": "1200", "bound": "1200", "gap": 0, "status": "OPTIMAL"},
    {"stage": "STAGE_TRAVEL", "value": "-214", "status": "FEASIBLE"},
]


def _request(state: str, version: int, **others: Any) -> dict[str, Any]:
    return {"state": {"request": {**_REQUEST, "state": state, "version": str(version), **others}}}


def _event(state: str, version: int, **others: Any) -> dict[str, Any]:
    return {"event": {**_EVENT, "state": state, "version": str(version), **others}}


def _round(state: str, version: int, **others: Any) -> dict[str, Any]:
    return {"round": {**_ROUND, "state": state, "version": str(version), **others}}


def _assignment(state: str, version: int, **others: Any) -> dict[str, Any]:
    return {"assignment": {**_ASSIGNMENT, "state": state, "version": str(version), **others}}


def _bodies() -> dict[str, dict[str, Any]]:
    expert = {"state": _EXPERT_STATE}
    talk = {**expert, "talk": _TALK["name"], "number": 1}
    served = {"round": "rounds/2026-12", "event": "events/ev-0007"}
    published = {**_PUBLISHED, "publishedHash": PUBLISHED_HASH}
    return {
        "ExpertRegistered": expert,
        "ExpertChanged": expert,
        "AvailabilityChanged": expert,
        "TalkApproved": talk,
        "TalkExpired": talk,
        "PoolChanged": {"pool": _POOL},
        "NodeChanged": {"node": _NODE},
        "VenueChanged": {"venue": _VENUE},
        "RequestSubmitted": _request("STATE_SUBMITTED", 1),
        "RequestEndorsed": _request("STATE_ENDORSED", 2),
        "RequestChanged": _request("STATE_ENDORSED", 3, audienceSize=300),
        "RequestWithdrawn": _request("STATE_WITHDRAWN", 4),
        "RequestScheduled": _request("STATE_SCHEDULED", 5, **served),
        "RequestUnserved": _request(
            "STATE_UNSERVED", 5, round="rounds/2026-12", reason="NOBODY_FREE", timesUnserved=1
        ),
        "RequestCancelled": _request("STATE_CANCELLED", 6, round="rounds/2026-12"),
        "EventPublished": _event("STATE_PUBLISHED", 1),
        "EventChanged": _event("STATE_PUBLISHED", 2, confirmed=True),
        "EventCancelled": _event("STATE_CANCELLED", 3, cancelReason="示例 停电"),
        "EventDelivered": _event("STATE_DELIVERED", 3, confirmed=True, audienceCounted=312),
        "EventRated": _event(
            "STATE_DELIVERED",
            4,
            confirmed=True,
            audienceCounted=312,
            rating={"content": 5, "clarity": 5, "organisation": 4},
        ),
        "PublicEventShown": {
            "event": "events/ev-0007",
            "title": "示例 航天与天文",
            "group": "AUDIENCE_GROUP_YOUTH",
            "form": "FORM_LECTURE",
            "topic": "space",
            "period": _PERIOD,
            "venueDisplayName": "示例 城口第一中学",
            "districtDisplayName": "城口县",
            "speakers": ["示例 周专家"],
        },
        "RoundOpened": _round("STATE_OPEN", 1),
        "RoundFrozen": {
            **_round("STATE_FROZEN", 2, **_FROZEN),
            "requests": ["requests/req-0007"],
        },
        "RoundSolved": {
            **_round("STATE_PROPOSED", 4, **_FROZEN, plan="rounds/2026-12/plans/p1"),
            "stages": _STAGES,
        },
        "RoundPublished": {
            **_round("STATE_PUBLISHED", 5, **published),
            "decisions": 1,
            "assignments": 1,
            "hash": PUBLISHED_HASH,
        },
        "RoundCertified": {
            **_round("STATE_PUBLISHED", 5, **published),
            "stages": _STAGES,
            "certificateHash": "3b0c44a1" * 8,
        },
        "RoundClosed": _round("STATE_CLOSED", 6, **published),
        "RoundAbandoned": {
            **_round("STATE_ABANDONED", 5, **_FROZEN),
            "requests": ["requests/req-0007"],
        },
        "RequestDecided": {
            "request": "requests/req-0007",
            "round": "rounds/2026-12",
            "version": "1",
            "scheduled": {"event": "events/ev-0007", "period": _PERIOD, "team": [_MEMBER]},
        },
        "AssignmentOffered": _assignment("STATE_OFFERED", 1, respondByTime="2026-11-25T10:00:00Z"),
        "AssignmentAccepted": _assignment("STATE_ACCEPTED", 2),
        "AssignmentDeclined": _assignment("STATE_DECLINED", 2),
        "AssignmentPublished": _assignment("STATE_CONFIRMED", 3),
        "AssignmentChanged": _assignment(
            "STATE_CONFIRMED",
            4,
            period={"startTime": "2026-12-07T07:00:00Z", "endTime": "2026-12-07T08:00:00Z"},
        ),
        "AssignmentCancelled": _assignment("STATE_CANCELLED", 5),
        "AssignmentDelivered": _assignment("STATE_DELIVERED", 5),
    }


def examples() -> Mapping[str, Message]:
    """An example of every fact by the message's full name."""
    bodies = _bodies()
    return {
        full_name: json_format.ParseDict(
            {"occurredTime": AT, **deepcopy(bodies[descriptor.name])},
            GetMessageClass(descriptor)(),
        )
        for full_name, descriptor in fact_descriptors().items()
    }


def as_json(message: Message) -> dict[str, Any]:
    """In the canonical JSON of protobuf, with the fields in the order of their numbers."""
    found: dict[str, Any] = json.loads(json_format.MessageToJson(message))
    return found


def version_of(message: Any) -> int:
    """What `ce_aggregateversion` says beside it; facts that carry no version of their own are shown with 1."""
    for thing in ("assignment", "event", "round", "node", "venue", "pool"):
        if thing in message.DESCRIPTOR.fields_by_name and hasattr(
            getattr(message, thing), "version"
        ):
            return int(getattr(message, thing).version)
    if "state" in message.DESCRIPTOR.fields_by_name:
        state = message.state
        inner = "expert" if "expert" in state.DESCRIPTOR.fields_by_name else "request"
        return int(getattr(state, inner).version)
    return int(getattr(message, "version", 1))


def key_of(message: Any) -> str:
    """The record's key."""
    for thing in ("assignment", "event", "round", "node", "venue", "pool"):
        if thing in message.DESCRIPTOR.fields_by_name and thing != message.DESCRIPTOR.name:
            inner = getattr(message, thing)
            if hasattr(inner, "name"):
                return str(inner.name)
    if "state" in message.DESCRIPTOR.fields_by_name:
        state = message.state
        return str(
            state.expert.name if "expert" in state.DESCRIPTOR.fields_by_name else state.request.name
        )
    return str(message.event if message.DESCRIPTOR.name == "PublicEventShown" else message.request)
