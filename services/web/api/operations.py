"""A plain page for operators: the same as `zhihui facts status`, without a line of script, made anew every ten seconds."""

from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.web.api.calls import Reader

router = APIRouter(include_in_schema=False)
AGAIN_S = 10
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1c2733;background:#fff}"
    "table{border-collapse:collapse;width:100%;margin:0 0 1.5rem}"
    "caption{text-align:left;font-weight:600;padding:.4rem 0}"
    "th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #d5dde6}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".well{color:#176b3a}.worry{color:#a3311d;font-weight:600}"
    "@media(prefers-color-scheme:dark){body{color:#e3e9f0;background:#12181f}"
    "th,td{border-color:#33404d}.well{color:#6fd39a}.worry{color:#ff9d86}}"
)


@router.get("/ops")
async def facts(request: Request, who: Reader) -> HTMLResponse:
    """Outboxes, groups, dead letters, and what holds facts up."""
    status = (await who.call("GetFactsStatus"))["status"]
    return HTMLResponse(
        page(status, nonce=request.state.nonce), headers={"Cache-Control": "no-store"}
    )


def page(status: dict[str, Any], *, nonce: str) -> str:
    """The page for the answer of GetFactsStatus."""
    if status["outage"]:
        state, sentence = "worry", f"问不到 · could not be asked: {status['outage']}"
    elif status["worry"]:
        state, sentence = "worry", "请处理 · look at this"
    elif not status.get("as_of_time"):
        state, sentence = "well", "正在查看 · looking"
    else:
        state, sentence = "well", "正常 · all well"
    parts = [
        _table(
            "发件箱 · outboxes",
            (
                "服务 service",
                "已发布 published",
                "等待 waiting",
                "最早等了 oldest waits, s",
                "最后一条 last fact",
                "库结构 schema",
            ),
            [
                (
                    one["service"],
                    int(one["published"]),
                    int(one["waiting"]),
                    round(float(one["age_s"]), 1),
                    one.get("last_time") or "",
                    one["schema_version"],
                )
                for one in status["outboxes"]
            ],
        ),
        _table(
            "消费组 · consumer groups",
            ("组 group", "主题 topic", "已处理 taken", "滞后 lag", "最后处理 last taken"),
            [
                (
                    one["group"],
                    one["topic"],
                    int(one["taken"]),
                    int(one["waiting"]),
                    one.get("last_taken_time") or "",
                )
                for one in status["groups"]
            ],
        ),
        _table(
            "死信 · dead letters",
            ("服务 service", "条数 count"),
            [(one["service"], int(one["count"])) for one in status["dead_letters"]],
        ),
        _table(
            "长事务 · long transactions",
            ("pid", "程序 application", "多久 age, s", "状态 state", "语句 statement"),
            [
                (
                    int(one["pid"]),
                    one["application"],
                    round(float(one["age_s"])),
                    one["state"],
                    one["query"],
                )
                for one in status["long_transactions"]
            ],
        ),
    ]
    return (
        f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><meta http-equiv="refresh" content="{AGAIN_S}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<title>智惠 · 事实 facts</title><style nonce="{escape(nonce)}">{_STYLE}</style></head><body>'
        f'<h1>事实 · facts</h1><p class="{state}" role="status">{escape(sentence)}</p>'
        f"<p>契约 contract <code>{escape(status['contract'])}</code> · {escape(status.get('as_of_time') or '')}</p>"
        f"{''.join(parts)}</body></html>"
    )


def _table(title: str, columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in columns)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="n">{one}</td>'
            if isinstance(one, int | float)
            else f"<td>{escape(str(one))}</td>"
            for one in row
        )
        + "</tr>"
        for row in rows
    )
    return f"<table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
