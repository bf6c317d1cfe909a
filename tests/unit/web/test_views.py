"""What the views promise is in the protos: a renamed field must not turn into a silent gap."""

import pytest
from pydantic import BaseModel
from zhihui.events.v1 import events_pb2
from zhihui.experts.v1 import experts_pb2
from zhihui.scheduling.v1 import scheduling_pb2

from services.web.adapters.plain import filled, plain
from services.web.api import views

SHOWN = [
    (views.RoundAnswer, scheduling_pb2.GetRoundResponse),
    (views.RoundFindings, scheduling_pb2.ValidateRoundResponse),
    (views.RunStep, scheduling_pb2.WatchRunResponse),
    (views.PlanAnswer, scheduling_pb2.GetPlanResponse),
    (views.PlannedEventsShown, scheduling_pb2.ListPlannedEventsResponse),
    (views.UnservedShown, scheduling_pb2.ListUnservedResponse),
    (views.Explanation, scheduling_pb2.ExplainRequestResponse),
    (views.MovePrice, scheduling_pb2.PriceMoveResponse),
    (views.PlanComparison, scheduling_pb2.ComparePlansResponse),
    (views.Verification, scheduling_pb2.VerifyPlanResponse),
    (views.CoverageShown, scheduling_pb2.ListCoverageResponse),
    (views.AssignmentAnswer, scheduling_pb2.GetAssignmentResponse),
    (views.RoundRepair, scheduling_pb2.RepairRoundResponse),
    (views.PoliciesShown, scheduling_pb2.ListPoliciesResponse),
    (views.RankedWindows, scheduling_pb2.RankWindowsResponse),
    (views.RequestsShown, events_pb2.ListRequestsResponse),
    (views.Check, events_pb2.CheckRequestResponse),
    (views.History, events_pb2.ListRequestHistoryResponse),
    (views.VenueAnswer, events_pb2.GetVenueResponse),
    (views.EventAnswer, events_pb2.GetEventResponse),
    (views.ExpertAnswer, experts_pb2.GetExpertResponse),
    (views.TalksShown, experts_pb2.ListTalksResponse),
    (views.ServiceRecords, experts_pb2.ListServiceRecordsResponse),
    (views.FreeWindows, experts_pb2.GetAvailabilityResponse),
]


@pytest.mark.parametrize(("view", "message"), SHOWN, ids=lambda one: one.__name__)
def test_a_view_shows_what_a_service_answers(view: type[BaseModel], message: type) -> None:
    full = _one_of_each(message.DESCRIPTOR, depth=0)
    view.model_validate(plain(filled(message(), full)))


SENT = [
    (views.RequestFields, events_pb2.Request),
    (views.Seat, events_pb2.Seat),
    (views.Rating, events_pb2.Rating),
    (views.PinSent, scheduling_pb2.Pin),
    (views.ForbidSent, scheduling_pb2.Forbid),
    (views.WindowsAsked, scheduling_pb2.RankWindowsRequest),
    (views.RunAsked, scheduling_pb2.StartRunRequest),
]


@pytest.mark.parametrize(("view", "message"), SENT, ids=lambda one: one.__name__)
def test_everything_a_view_takes_has_its_field(view: type[BaseModel], message: type) -> None:
    assert set(view.model_fields) <= set(message.DESCRIPTOR.fields_by_name)


def _one_of_each(descriptor: object, *, depth: int) -> dict[str, object]:
    """A value for every field, messages to a depth of four."""
    values: dict[str, object] = {}
    for field in descriptor.fields:  # type: ignore[attr-defined]
        if field.message_type is not None:
            if field.message_type.full_name == "google.protobuf.Timestamp":
                value: object = "2026-11-24T01:00:00Z"
            elif depth < 4:
                value = _one_of_each(field.message_type, depth=depth + 1)
            else:
                continue
        elif field.enum_type is not None:
            prefix = field.enum_type.values_by_number[0].name.removesuffix("UNSPECIFIED")
            value = field.enum_type.values_by_number[1].name.removeprefix(prefix)
        else:
            value = {9: "2026-11-24", 8: True, 12: b""}.get(field.type, 1)
        values[field.name] = [value] if field.is_repeated else value
    return values
