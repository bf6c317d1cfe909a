// What stands around every page: where one can go, who one is.
import { useQuery } from "@tanstack/react-query";
import { Button, Skeleton, Tooltip } from "antd";
import { Suspense, lazy } from "react";
import { Refused, type View, get, send } from "../shared/api";
import { language, setLanguage, t } from "../shared/language";
import { follow, usePlace } from "../shared/router";
import { type Session, session } from "../shared/session";
import { theme, toggleTheme } from "../shared/theme";
import { Glyph } from "../shared/glyph";
import { Rounds } from "./rounds";

const RoundPage = lazy(() => import("./round"));
const Requests = lazy(() => import("./requests"));
const Experts = lazy(() => import("./experts"));

export function Frame() {
  const { path } = usePlace();
  const who = useQuery({ queryKey: ["session"], queryFn: session, staleTime: 60_000, retry: false });
  if (who.error instanceof Refused && who.error.status === 401) {
    location.replace(`/?next=${encodeURIComponent(location.pathname + location.search)}`);
    return null;
  }
  return (
    <div className="frame">
      <a className="skip" href="#main">
        {t("skip")}
      </a>
      <nav className="rail" aria-label={t("nav")}>
        <a className="brand" href="/console" onClick={follow}>
          <Glyph name="brand" />
          <span>{t("brand")}</span>
        </a>
        <Link to="/console" icon="rounds" label={t("rounds")} now={path === "/console" || path.startsWith("/console/rounds")} />
        <Link to="/console/requests" icon="requests" label={t("requests")} now={path.startsWith("/console/requests")} badge={<Inbox />} />
        <Link to="/console/experts" icon="experts" label={t("experts")} now={path.startsWith("/console/experts")} />
        <div className="rail-foot">
          <Tooltip title={t("theme.toggle")} placement="right">
            <button className="rail-button" onClick={toggleTheme} aria-label={t("theme.toggle")}>
              <Glyph name={theme() === "dark" ? "sun" : "moon"} />
            </button>
          </Tooltip>
          <button className="rail-button" onClick={() => setLanguage(language() === "zh" ? "en" : "zh")} lang={language() === "zh" ? "en" : "zh-CN"}>
            {t("language.other")}
          </button>
          {who.data && (
            <a className="me" href="/" title={t("person.change")}>
              <Glyph name="person" />
              <span>{language() === "zh" ? who.data.zh : who.data.en}</span>
            </a>
          )}
        </div>
      </nav>
      <main id="main" tabIndex={-1}>
        {who.isPending ? (
          <div className="page"><Skeleton active /></div>
        ) : who.data ? (
          <Suspense fallback={<div className="page"><Skeleton active /></div>}>
            <Inside path={path} who={who.data} />
          </Suspense>
        ) : (
          <div className="page">
            <p role="alert">{who.error?.message}</p>
            <Button onClick={() => who.refetch()}>{t("again")}</Button>
          </div>
        )}
      </main>
    </div>
  );
}

function Inside({ path, who }: { path: string; who: Session }) {
  const [, , section, id] = path.split("/");
  if (!section || (section === "rounds" && !id)) return <Rounds who={who} />;
  if (section === "rounds" && id) return <RoundPage key={id} id={id} who={who} />;
  if (section === "requests") return <Requests who={who} chosen={id} />;
  if (section === "experts") return <Experts chosen={id} />;
  return (
    <div className="page">
      <h1>{t("page.none")}</h1>
      <a href="/console" onClick={follow}>
        {t("rounds")}
      </a>
    </div>
  );
}

function Link({ to, icon, label, now, badge }: { to: string; icon: Parameters<typeof Glyph>[0]["name"]; label: string; now: boolean; badge?: React.ReactNode }) {
  return (
    <a className={`rail-link ${now ? "now" : ""}`} href={to} onClick={follow} aria-current={now ? "page" : undefined}>
      <Glyph name={icon} />
      <span>{label}</span>
      {badge}
    </a>
  );
}

function Inbox() {
  const waiting = useQuery({
    queryKey: ["requests", "waiting"],
    queryFn: () => get<View<"RequestsShown">>("requests", { state: "SUBMITTED", page_size: 100 }),
    refetchInterval: 30_000,
  });
  const count = waiting.data?.requests.length ?? 0;
  return count ? <b className="badge">{count > 99 ? "99+" : count}</b> : null;
}

export async function signOut() {
  await send("session", {}, undefined, "DELETE");
  location.replace("/");
}
