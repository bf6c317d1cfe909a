"""Who may do what: one table of roles by action. What is not in it is denied.

An action is an RPC by its method name, unique over the services. To add an RPC: a member of `Action`, a row of
`ALLOWED`; tests/architecture fails until both are there. Whose things (the node scope) is another question:
libs/auth/principal.py.
"""

from collections.abc import Mapping
from enum import StrEnum

from libs.auth.principal import Principal, Role, current_principal
from libs.errors import NotAllowed


class RoleNotSufficient(NotAllowed):
    """None of the caller's roles may do this."""


class Action(StrEnum):
    """Every RPC, by its method name."""

    # experts
    REGISTER_EXPERT = "RegisterExpert"
    GET_EXPERT = "GetExpert"
    LIST_EXPERTS = "ListExperts"
    UPDATE_EXPERT = "UpdateExpert"
    WITHDRAW_EXPERT = "WithdrawExpert"
    GET_PERSONAL_DATA = "GetPersonalData"
    SET_PERSONAL_DATA = "SetPersonalData"
    GET_AVAILABILITY = "GetAvailability"
    SET_AVAILABILITY = "SetAvailability"
    CREATE_TALK = "CreateTalk"
    GET_TALK = "GetTalk"
    LIST_TALKS = "ListTalks"
    ADD_TALK_VERSION = "AddTalkVersion"
    REVIEW_TALK_VERSION = "ReviewTalkVersion"
    CREATE_POOL = "CreatePool"
    GET_POOL = "GetPool"
    LIST_POOLS = "ListPools"
    CREATE_SHARING_AGREEMENT = "CreateSharingAgreement"
    END_SHARING_AGREEMENT = "EndSharingAgreement"
    LIST_SERVICE_RECORDS = "ListServiceRecords"
    # events
    CREATE_NODE = "CreateNode"
    GET_NODE = "GetNode"
    LIST_NODES = "ListNodes"
    END_NODE = "EndNode"
    CREATE_VENUE = "CreateVenue"
    GET_VENUE = "GetVenue"
    LIST_VENUES = "ListVenues"
    UPDATE_VENUE = "UpdateVenue"
    CHECK_REQUEST = "CheckRequest"
    FILE_REQUEST = "FileRequest"
    GET_REQUEST = "GetRequest"
    LIST_REQUESTS = "ListRequests"
    UPDATE_REQUEST = "UpdateRequest"
    SUBMIT_REQUEST = "SubmitRequest"
    ENDORSE_REQUEST = "EndorseRequest"
    RETURN_REQUEST = "ReturnRequest"
    WITHDRAW_REQUEST = "WithdrawRequest"
    ASK_CHANGE = "AskChange"
    ANSWER_CHANGE = "AnswerChange"
    ERASE_ACCOUNT = "EraseAccount"
    LIST_REQUEST_HISTORY = "ListRequestHistory"
    CREATE_SERIES = "CreateSeries"
    GET_SERIES = "GetSeries"
    LIST_SERIES = "ListSeries"
    GET_EVENT = "GetEvent"
    LIST_EVENTS = "ListEvents"
    CONFIRM_EVENT = "ConfirmEvent"
    CANCEL_EVENT = "CancelEvent"
    RECORD_DELIVERY = "RecordDelivery"
    RATE_EVENT = "RateEvent"
    # scheduling
    LIST_POLICIES = "ListPolicies"
    OPEN_ROUND = "OpenRound"
    GET_ROUND = "GetRound"
    LIST_ROUNDS = "ListRounds"
    VALIDATE_ROUND = "ValidateRound"
    FREEZE_ROUND = "FreezeRound"
    ADD_PIN = "AddPin"
    REMOVE_PIN = "RemovePin"
    ADD_FORBID = "AddForbid"
    REMOVE_FORBID = "RemoveForbid"
    START_RUN = "StartRun"
    GET_RUN = "GetRun"
    LIST_RUNS = "ListRuns"
    WATCH_RUN = "WatchRun"
    STOP_RUN = "StopRun"
    GET_PLAN = "GetPlan"
    LIST_PLANS = "ListPlans"
    CHOOSE_PLAN = "ChoosePlan"
    LIST_PLANNED_EVENTS = "ListPlannedEvents"
    LIST_UNSERVED = "ListUnserved"
    EXPLAIN_REQUEST = "ExplainRequest"
    LIST_SUPPLY_SIGNALS = "ListSupplySignals"
    PRICE_MOVE = "PriceMove"
    ADOPT_REPAIR = "AdoptRepair"
    COMPARE_PLANS = "ComparePlans"
    VERIFY_PLAN = "VerifyPlan"
    DOWNLOAD_INPUTS = "DownloadInputs"
    DOWNLOAD_PLAN = "DownloadPlan"
    OFFER_ROUND = "OfferRound"
    ACCEPT_OFFER = "AcceptOffer"
    DECLINE_OFFER = "DeclineOffer"
    SIGN_ROUND = "SignRound"
    PUBLISH_ROUND = "PublishRound"
    CLOSE_ROUND = "CloseRound"
    ABANDON_ROUND = "AbandonRound"
    GET_ASSIGNMENT = "GetAssignment"
    LIST_ASSIGNMENTS = "ListAssignments"
    REPAIR_ROUND = "RepairRound"
    LIST_COVERAGE = "ListCoverage"
    GET_OUTCOME = "GetOutcome"
    RANK_WINDOWS = "RankWindows"
    # feeds
    CREATE_WEBHOOK = "CreateWebhook"
    LIST_WEBHOOKS = "ListWebhooks"
    PAUSE_WEBHOOK = "PauseWebhook"
    RESUME_WEBHOOK = "ResumeWebhook"
    ROTATE_WEBHOOK_SECRET = "RotateWebhookSecret"  # noqa: S105  # a method's name
    DELETE_WEBHOOK = "DeleteWebhook"
    LIST_DELIVERIES = "ListDeliveries"
    REPLAY_DELIVERIES = "ReplayDeliveries"
    CREATE_CALENDAR = "CreateCalendar"
    LIST_CALENDARS = "ListCalendars"
    ROTATE_CALENDAR = "RotateCalendar"
    REVOKE_CALENDAR = "RevokeCalendar"
    READ_CALENDAR = "ReadCalendar"
    GET_FACTS_STATUS = "GetFactsStatus"


SIGNED_IN = frozenset(Role)
"""What anybody with a token may know: nodes, topics, what is public."""
COORDINATORS = frozenset(
    {Role.DISTRICT_COORDINATOR, Role.CITY_COORDINATOR, Role.ADMIN, Role.SERVICE}
)
"""Keep experts, pools and venues, endorse requests, run rounds."""
READERS = COORDINATORS | {Role.LEADER, Role.AUDITOR}
"""Look and change nothing, beside those who do change."""
FILERS = COORDINATORS | {Role.VENUE_STAFF, Role.LOCAL_HEAD}
"""File and follow requests, confirm delivery, rate."""
ENDORSERS = COORDINATORS | {Role.LOCAL_HEAD}
EXPERTS = frozenset({Role.EXPERT})
"""Own profile, limits, availability and offers: the handler checks that it is their own."""
SUBSCRIBERS = COORDINATORS | {Role.CONSUMER}
"""Have facts sent to them: only those of topics that they may read, which the handler checks."""
SIGNERS = frozenset({Role.LEADER, Role.ADMIN})
"""Sign a round before it is published."""

ALLOWED: Mapping[Action, frozenset[Role]] = {
    # experts
    Action.REGISTER_EXPERT: COORDINATORS,
    Action.GET_EXPERT: READERS | FILERS | EXPERTS,
    Action.LIST_EXPERTS: READERS | FILERS,
    Action.UPDATE_EXPERT: COORDINATORS | EXPERTS,
    Action.WITHDRAW_EXPERT: COORDINATORS | EXPERTS,
    Action.GET_PERSONAL_DATA: COORDINATORS | EXPERTS | FILERS,
    Action.SET_PERSONAL_DATA: COORDINATORS | EXPERTS,
    Action.GET_AVAILABILITY: READERS | EXPERTS,
    Action.SET_AVAILABILITY: COORDINATORS | EXPERTS,
    Action.CREATE_TALK: COORDINATORS | EXPERTS,
    Action.GET_TALK: SIGNED_IN,
    Action.LIST_TALKS: SIGNED_IN,
    Action.ADD_TALK_VERSION: COORDINATORS | EXPERTS,
    Action.REVIEW_TALK_VERSION: COORDINATORS,
    Action.CREATE_POOL: COORDINATORS,
    Action.GET_POOL: READERS,
    Action.LIST_POOLS: READERS,
    Action.CREATE_SHARING_AGREEMENT: COORDINATORS,
    Action.END_SHARING_AGREEMENT: COORDINATORS,
    Action.LIST_SERVICE_RECORDS: READERS | EXPERTS,
    # events
    Action.CREATE_NODE: COORDINATORS,
    Action.GET_NODE: SIGNED_IN,
    Action.LIST_NODES: SIGNED_IN,
    Action.END_NODE: COORDINATORS,
    Action.CREATE_VENUE: COORDINATORS,
    Action.GET_VENUE: READERS | FILERS | EXPERTS,
    Action.LIST_VENUES: READERS | FILERS,
    Action.UPDATE_VENUE: FILERS,
    Action.CHECK_REQUEST: FILERS,
    Action.FILE_REQUEST: FILERS,
    Action.GET_REQUEST: READERS | FILERS | EXPERTS,
    Action.LIST_REQUESTS: READERS | FILERS,
    Action.UPDATE_REQUEST: FILERS,
    Action.SUBMIT_REQUEST: FILERS,
    Action.ENDORSE_REQUEST: ENDORSERS,
    Action.RETURN_REQUEST: ENDORSERS,
    Action.WITHDRAW_REQUEST: FILERS,
    Action.ASK_CHANGE: FILERS,
    Action.ANSWER_CHANGE: COORDINATORS,
    # whoever only looks has no account of their own here
    Action.ERASE_ACCOUNT: SIGNED_IN - {Role.AUDITOR, Role.CONSUMER},
    Action.LIST_REQUEST_HISTORY: READERS | FILERS,
    Action.CREATE_SERIES: FILERS,
    Action.GET_SERIES: READERS | FILERS,
    Action.LIST_SERIES: READERS | FILERS,
    Action.GET_EVENT: READERS | FILERS | EXPERTS,
    Action.LIST_EVENTS: READERS | FILERS | EXPERTS,
    Action.CONFIRM_EVENT: FILERS,
    Action.CANCEL_EVENT: FILERS,
    Action.RECORD_DELIVERY: FILERS | EXPERTS,
    Action.RATE_EVENT: FILERS,
    # scheduling
    Action.LIST_POLICIES: READERS,
    Action.OPEN_ROUND: COORDINATORS,
    Action.GET_ROUND: READERS,
    Action.LIST_ROUNDS: READERS,
    Action.VALIDATE_ROUND: READERS,
    Action.FREEZE_ROUND: COORDINATORS,
    Action.ADD_PIN: COORDINATORS,
    Action.REMOVE_PIN: COORDINATORS,
    Action.ADD_FORBID: COORDINATORS,
    Action.REMOVE_FORBID: COORDINATORS,
    Action.START_RUN: COORDINATORS,
    Action.GET_RUN: READERS,
    Action.LIST_RUNS: READERS,
    Action.WATCH_RUN: READERS,
    Action.STOP_RUN: COORDINATORS,
    Action.GET_PLAN: READERS,
    Action.LIST_PLANS: READERS,
    Action.CHOOSE_PLAN: COORDINATORS,
    Action.ADOPT_REPAIR: COORDINATORS,
    Action.LIST_PLANNED_EVENTS: READERS,
    Action.LIST_UNSERVED: READERS,
    Action.EXPLAIN_REQUEST: READERS,
    Action.LIST_SUPPLY_SIGNALS: READERS,
    Action.PRICE_MOVE: READERS,
    Action.COMPARE_PLANS: READERS,
    Action.VERIFY_PLAN: READERS,
    Action.DOWNLOAD_INPUTS: READERS,
    Action.DOWNLOAD_PLAN: READERS,
    Action.OFFER_ROUND: COORDINATORS,
    Action.ACCEPT_OFFER: COORDINATORS | EXPERTS,
    Action.DECLINE_OFFER: COORDINATORS | EXPERTS,
    Action.SIGN_ROUND: SIGNERS,
    Action.PUBLISH_ROUND: COORDINATORS,
    Action.CLOSE_ROUND: COORDINATORS,
    Action.ABANDON_ROUND: COORDINATORS,
    Action.GET_ASSIGNMENT: READERS | EXPERTS,
    Action.LIST_ASSIGNMENTS: READERS | EXPERTS,
    Action.REPAIR_ROUND: COORDINATORS,
    Action.LIST_COVERAGE: READERS,
    Action.GET_OUTCOME: READERS | FILERS,
    Action.RANK_WINDOWS: READERS | FILERS,
    # feeds: the handlers check whose
    Action.CREATE_WEBHOOK: SUBSCRIBERS,
    Action.LIST_WEBHOOKS: SUBSCRIBERS,
    Action.PAUSE_WEBHOOK: SUBSCRIBERS,
    Action.RESUME_WEBHOOK: SUBSCRIBERS,
    Action.ROTATE_WEBHOOK_SECRET: SUBSCRIBERS,
    Action.DELETE_WEBHOOK: SUBSCRIBERS,
    Action.LIST_DELIVERIES: SUBSCRIBERS,
    Action.REPLAY_DELIVERIES: SUBSCRIBERS,
    Action.CREATE_CALENDAR: FILERS | EXPERTS,
    Action.LIST_CALENDARS: FILERS | EXPERTS,
    Action.ROTATE_CALENDAR: FILERS | EXPERTS,
    Action.REVOKE_CALENDAR: FILERS | EXPERTS,
    Action.READ_CALENDAR: frozenset({Role.SERVICE}),
    Action.GET_FACTS_STATUS: READERS - {Role.DISTRICT_COORDINATOR},
}


def authorize(action: str, principal: Principal | None = None) -> None:
    """Let `principal` (or the current one) do `action`.

    Raises:
        RoleNotSufficient: none of its roles may, or nobody has said who may.
        NotSignedIn: there is no principal.
    """
    principal = principal or current_principal()
    try:
        allowed = ALLOWED.get(Action(action), frozenset())
    except ValueError:
        allowed = frozenset()
    if not principal.roles & allowed:
        raise RoleNotSufficient("none of your roles may do this", action=str(action))
