"""What went wrong, in one JSON shape, with a sentence in the caller's language."""

from collections.abc import Sequence
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from services.web.adapters.services import Refused
from services.web.api.sentences import CHINESE, ENGLISH
from services.web.api.views import Problem, ViolationShown

STATUS_BY_CODE = {
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "FAILED_PRECONDITION": 409,
    "RESOURCE_EXHAUSTED": 429,
}
"""By gRPC's name; everything else is an outage, 503."""
_PROBLEM = {"model": Problem, "content": {"application/problem+json": {}}}
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    422: {**_PROBLEM, "description": "A field is missing, unknown or malformed."},
    "default": {**_PROBLEM, "description": "Refused: `status` and `reason` say how."},
}
"""For routers: what every route may answer beside its result."""
_BY_STATUS = {
    400: "INVALID_REQUEST",
    401: "NOT_SIGNED_IN",
    403: "NOT_ALLOWED",
    404: "NOT_FOUND",
    405: "INVALID_REQUEST",
    409: "CHANGED_MEANWHILE",
    412: "CHANGED_MEANWHILE",
    413: "INVALID_REQUEST",
    421: "NOT_FOUND",
    422: "INVALID_REQUEST",
    429: "TOO_MANY_CALLS",
    503: "OUTAGE",
}


def speaks_english(request: Request) -> bool:
    """Whether the caller asked for English first; Chinese otherwise."""
    return request.headers.get("accept-language", "").lower().startswith("en")


def problem(
    request: Request,
    status: int,
    reason: str,
    *,
    sentence: str = "",
    violations: Sequence[tuple[str, str]] = (),
    retry_after_s: float | None = None,
) -> JSONResponse:
    """The answer; `sentence` is what a service said, in English, and is used where the table has nothing better."""
    english = speaks_english(request)
    general = _BY_STATUS.get(status, "OUTAGE" if status >= 500 else "INVALID_REQUEST")
    table = ENGLISH if english else CHINESE
    detail = table.get(reason) or (sentence if english else "") or table[general]
    body = Problem(
        type="about:blank",
        title=table[general],
        status=status,
        reason=reason or general,
        detail=detail,
        violations=[ViolationShown(path=path, detail=text) for path, text in violations],
    )
    headers = {} if retry_after_s is None else {"Retry-After": str(max(1, round(retry_after_s)))}
    return JSONResponse(
        body.model_dump(),
        status_code=status,
        media_type="application/problem+json",
        headers=headers,
    )


def problem_of(request: Request, refused: Refused) -> JSONResponse:
    """The answer to a call that a service behind the edge refused."""
    return problem(
        request,
        STATUS_BY_CODE.get(refused.code, 503),
        refused.reason,
        sentence=refused.sentence,
        violations=refused.violations,
        retry_after_s=refused.retry_after_s,
    )
