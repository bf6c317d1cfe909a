// What stands around every page: where one is, where one can go, and what waits to be sent.
import { type ReactNode, useEffect } from "react";
import { Glyph } from "../shared/glyph";
import { type Key, t } from "../shared/language";
import { follow, usePlace } from "../shared/router";
import type { Session } from "../shared/session";
import { Waiting } from "./waiting";
import { Link, Notices, useOnline } from "./parts";
import { toSignIn } from "../shared/session";
import { isExpert, mayFile, useEnded } from "./who";

type Tab = { to: string; glyph: Parameters<typeof Glyph>[0]["name"]; text: Key };
const ASKING: readonly Tab[] = [
  { to: "/app", glyph: "requests", text: "app.home" },
  { to: "/app/new", glyph: "plus", text: "app.new" },
];
const SERVING: readonly Tab[] = [
  { to: "/app", glyph: "calendar", text: "app.offers" },
  { to: "/app/limits", glyph: "clock", text: "app.limits" },
  { to: "/app/record", glyph: "star", text: "app.record" },
];
const ME: Tab = { to: "/app/me", glyph: "person", text: "app.me" };

const tabsOf = (who: Session | null): readonly Tab[] => [...(who && isExpert(who) && !mayFile(who) ? SERVING : ASKING), ME];

export function Frame({ who, children }: { who: Session | null; children: ReactNode }) {
  const { path } = usePlace();
  const online = useOnline();
  const over = useEnded();
  const filing = /\/(new|edit|change)$/.test(path);
  useEffect(() => {
    document.title = `${t(tabsOf(who).find((tab) => tab.to === path)?.text ?? "app.home")} · ${t("app.name")}`;
  });
  return (
    <div className={filing ? "frame writing" : "frame"}>
      <a className="skip" href="#main">
        {t("skip")}
      </a>
      <nav className="tabs" aria-label={t("nav")}>
        <Link to="/app" className="brand" label={t("app.name")}>
          <Glyph name="brand" />
          <b>{t("app.name")}</b>
        </Link>
        {tabsOf(who).map((tab) => (
          <a key={tab.to} href={tab.to} className={tab.to === "/app/new" ? "tab main" : "tab"} aria-current={path === tab.to ? "page" : undefined} onClick={follow}>
            <Glyph name={tab.glyph} size={22} />
            <span>{t(tab.text)}</span>
          </a>
        ))}
      </nav>
      <main id="main" tabIndex={-1}>
        {over && (
          <div className="strip ended" role="alert">
            <span>{t("app.ended")}</span>
            <button type="button" className="big" onClick={toSignIn}>
              {t("app.signin")}
            </button>
          </div>
        )}
        {!online && (
          <p className="strip" role="status">
            {t("app.offline")}
          </p>
        )}
        <Waiting />
        {children}
      </main>
      <Notices />
    </div>
  );
}
