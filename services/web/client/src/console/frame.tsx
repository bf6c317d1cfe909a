// What stands around every page: where one can go, who one is, and which keys do what.
import { useQuery } from "@tanstack/react-query";
import { Button, Skeleton, Tooltip } from "antd";
import { Suspense, useState } from "react";
import { Refused, type View, get } from "../shared/api";
import { Whole, part } from "../shared/fresh";
import { type Key, language, setLanguage, t } from "../shared/language";
import { follow, usePlace } from "../shared/router";
import { type Session, session, signOut } from "../shared/session";
import { theme, toggleTheme } from "../shared/theme";
import { Glyph } from "../shared/glyph";
import { useLive } from "./data";
import { Help, useKeys } from "./keys";

const Overview = part(() => import("./overview"));
const Rounds = part(() => import("./rounds"));
const RoundPage = part(() => import("./round"));
const Requests = part(() => import("./requests"));
const Experts = part(() => import("./experts"));
const Sheets = part(() => import("./sheets"));
const Print = part(() => import("./print"));

type GlyphName = Parameters<typeof Glyph>[0]["name"];
/** Where one can go, in groups; a new area is a line here and a branch of `Inside`. */
const PLACES: { title: Key; places: { to: string; icon: GlyphName; label: Key; inbox?: true }[] }[] = [
  {
    title: "rail.schedule",
    places: [
      { to: "/console", icon: "star", label: "overview" },
      { to: "/console/rounds", icon: "rounds", label: "rounds" },
      { to: "/console/requests", icon: "requests", label: "requests", inbox: true },
    ],
  },
  {
    title: "rail.resources",
    places: [
      { to: "/console/experts", icon: "experts", label: "experts" },
      { to: "/console/sheets", icon: "sheet", label: "sheets" },
    ],
  },
];

export function Frame() {
  const { path } = usePlace();
  const who = useQuery({ queryKey: ["session"], queryFn: session, staleTime: 60_000, retry: false });
  const [help, setHelp] = useState(false);
  useKeys(() => setHelp(true));
  if (who.error instanceof Refused && who.error.status === 401) return null; // on the way to signing in
  if (path.endsWith("/print"))
    return (
      <main id="main">
        <Suspense fallback={null}>{who.data && <Print id={path.split("/")[3] ?? ""} />}</Suspense>
      </main>
    );
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
        {PLACES.map((group) => (
          <div className="rail-group" key={group.title}>
            <span className="rail-title">{t(group.title)}</span>
            {group.places.map((one) => (
              <Link key={one.to} to={one.to} icon={one.icon} label={t(one.label)} now={one.to === "/console" ? path === "/console" || path === "/console/" : path.startsWith(one.to)} badge={one.inbox && <Inbox />} />
            ))}
          </div>
        ))}
        <div className="rail-foot">
          <Tooltip title={t("theme.toggle")} placement="right">
            <button className="rail-button" onClick={toggleTheme} aria-label={t("theme.toggle")}>
              <Glyph name={theme() === "dark" ? "sun" : "moon"} />
            </button>
          </Tooltip>
          <button className="rail-button" onClick={() => setLanguage(language() === "zh" ? "en" : "zh")} lang={language() === "zh" ? "en" : "zh-CN"}>
            {t("language.other")}
          </button>
          <button className="rail-button keys" onClick={() => setHelp(true)} aria-label={t("keys")}>
            <kbd>?</kbd>
          </button>
          {who.data && (
            <button className="me" onClick={() => void signOut()} title={t("person.change")}>
              <Glyph name="person" />
              <span>{language() === "zh" ? who.data.zh : who.data.en}</span>
            </button>
          )}
        </div>
      </nav>
      <main id="main" tabIndex={-1}>
        {who.isPending ? (
          <Waiting />
        ) : who.data ? (
          <Whole key={path.split("/").slice(0, path.startsWith("/console/rounds/") ? 4 : 3).join("/")}>
            <Suspense fallback={<Waiting />}>
              <Live />
              <Inside path={path} who={who.data} />
            </Suspense>
          </Whole>
        ) : (
          <div className="page">
            <p role="alert">{who.error?.message}</p>
            <Button onClick={() => who.refetch()}>{t("again")}</Button>
          </div>
        )}
      </main>
      <Help open={help} onClose={() => setHelp(false)} />
    </div>
  );
}

/** What others change is read again while the page is open. */
function Live() {
  useLive("requests=true");
  return null;
}

const Waiting = () => (
  <div className="page" aria-busy="true">
    <Skeleton active title={{ width: 220 }} paragraph={{ rows: 8 }} />
  </div>
);

function Inside({ path, who }: { path: string; who: Session }) {
  const [, , section, id] = path.split("/");
  if (!section) return <Overview who={who} />;
  if (section === "rounds" && !id) return <Rounds who={who} />;
  if (section === "rounds" && id) return <RoundPage key={id} id={id} who={who} />;
  if (section === "requests") return <Requests who={who} chosen={id} />;
  if (section === "experts") return <Experts chosen={id} />;
  if (section === "sheets") return <Sheets who={who} />;
  return (
    <div className="page">
      <h1>{t("page.none")}</h1>
      <a href="/console" onClick={follow}>
        {t("overview")}
      </a>
    </div>
  );
}

function Link({ to, icon, label, now, badge }: { to: string; icon: GlyphName; label: string; now: boolean; badge?: React.ReactNode }) {
  return (
    <a className={`rail-link ${now ? "now" : ""}`} href={to} onClick={follow} aria-current={now ? "page" : undefined}>
      <Glyph name={icon} />
      <span>{label}</span>
      {badge}
    </a>
  );
}

export function useInbox() {
  return useQuery({
    queryKey: ["requests", "waiting"],
    queryFn: () => get<View<"RequestsShown">>("requests", { state: "SUBMITTED", page_size: 100 }),
    refetchInterval: 30_000,
  });
}

function Inbox() {
  const count = useInbox().data?.requests.length ?? 0;
  return count ? <b className="badge">{count > 99 ? "99+" : count}</b> : null;
}
