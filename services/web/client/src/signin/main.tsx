// Off to the identity provider, and back to where the reader wanted to go; while trying out, as one of its ready-made people.
import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { type View, get } from "../shared/api";
import { Glyph } from "../shared/glyph";
import { type Key, language, setLanguage, t, useLanguage } from "../shared/language";
import { theme, toggleTheme, useTheme } from "../shared/theme";
import { words } from "../shared/words";
import "../shared/base.css";
import "./signin.css";

type Person = View<"PersonShown">;
type GlyphName = Parameters<typeof Glyph>[0]["name"];

/** Groups of people; `ghosts` is how many places are kept while they load, so that nothing jumps. */
const KINDS: { title: Key; tone: string; ghosts: number; has: (roles: string[]) => boolean }[] = [
  { title: "signin.venue", tone: "amber", ghosts: 3, has: (roles) => roles.includes("VENUE_STAFF") || roles.includes("LOCAL_HEAD") },
  { title: "signin.run", tone: "green", ghosts: 3, has: (roles) => roles.some((role) => role.endsWith("COORDINATOR") || role === "LEADER") },
  { title: "signin.serve", tone: "blue", ghosts: 1, has: (roles) => roles.includes("EXPERT") },
];
const GLYPHS: Record<string, GlyphName> = { VENUE_STAFF: "requests", LOCAL_HEAD: "check", DISTRICT_COORDINATOR: "place", CITY_COORDINATOR: "rounds", LEADER: "pen", EXPERT: "star" };
const CLAIMS: [Key, Key][] = [
  ["signin.claim.ask", "signin.claim.ask.note"],
  ["signin.claim.plan", "signin.claim.plan.note"],
  ["signin.claim.why", "signin.claim.why.note"],
];

const asked = new URLSearchParams(location.search);
const next = asked.get("next") ?? "/";
const start = (person = "") => `/auth/start?${new URLSearchParams({ next, ...(person && { person }) })}`;

function SignIn() {
  useLanguage();
  useTheme();
  const [people, setPeople] = useState<Person[] | null>(null);
  const [wrong, setWrong] = useState("");
  const load = () => {
    setWrong("");
    get<Person[]>("people").then(setPeople, (error: Error) => {
      setPeople([]);
      setWrong(error.message);
    });
  };
  useEffect(load, []);
  useEffect(() => {
    document.title = `${t("signin.page")} · ${t("brand")}`;
  });
  const problem = asked.get("problem");
  const said = problem && (`signin.problem.${problem}` in words ? t(`signin.problem.${problem}` as Key) : t("signin.problem.SIGN_IN_REFUSED"));
  return (
    <main className="signin">
      <header>
        <Ridges />
        <div className="brand-line">
          <img src="/static/icon.svg" alt="" width={52} height={52} />
          <h1>{t("brand")}</h1>
        </div>
        <p className="claim">{t("brand.claim")}</p>
        <ol className="claims">
          {CLAIMS.map(([claim, note]) => (
            <li key={claim}>
              <strong>{t(claim)}</strong>
              <span>{t(note)}</span>
            </li>
          ))}
        </ol>
        <div className="switches">
          <button className="plain" onClick={() => setLanguage(language() === "zh" ? "en" : "zh")} lang={language() === "zh" ? "en" : "zh-CN"}>
            {t("language.other")}
          </button>
          <button className="plain round" onClick={toggleTheme} aria-label={t("theme.toggle")} title={t("theme.toggle")}>
            <Glyph name={theme() === "dark" ? "sun" : "moon"} size={18} />
          </button>
        </div>
      </header>
      <section aria-busy={people === null}>
        <h2>{people?.length === 0 ? t("signin.page") : t("signin.title")}</h2>
        {(said || wrong) && (
          <p role="alert" className="wrong">
            {wrong || said} {wrong && <button className="plain" onClick={load}>{t("again")}</button>}
          </p>
        )}
        {people?.length === 0 && !wrong && (
          <>
            <p className="quiet">{t("signin.real")}</p>
            <a className="go" href={start()}>{t("signin.page")}</a>
          </>
        )}
        {people?.length !== 0 && <p className="quiet">{t("signin.note")}</p>}
        {KINDS.map((kind) => {
          const here = people?.filter((person) => kind.has(person.roles)) ?? [];
          if (people !== null && here.length === 0) return null;
          return (
            <div key={kind.title} className={`kind ${kind.tone}`}>
              <h3>{t(kind.title)}</h3>
              <ul>
                {people === null && Array.from({ length: kind.ghosts }, (_, index) => <li key={index} className="ghost" aria-hidden="true" />)}
                {here.map((person) => (
                  <li key={person.id}>
                    <a href={start(person.id)}>
                      <i aria-hidden="true">
                        <Glyph name={GLYPHS[person.roles[0] ?? ""] ?? "person"} size={20} />
                      </i>
                      <span>
                        <strong>
                          {language() === "zh" ? person.zh : person.en}
                          <em>{t("signin.sample")}</em>
                        </strong>
                        <small>{t(`signin.${person.id}` as Key)}</small>
                      </span>
                      <Glyph name="next" size={18} />
                    </a>
                  </li>
                ))}
              </ul>
            </div>
          );
        })}
      </section>
    </main>
  );
}

/** Mountains, and a way from the city to three places among them. */
const Ridges = () => (
  <svg className="ridges" viewBox="0 0 600 300" preserveAspectRatio="xMidYMax slice" aria-hidden="true">
    <path d="M0 170 L70 120 L120 150 L210 70 L290 140 L360 96 L440 150 L520 84 L600 140 V300 H0 Z" fill="#ffffff0d" />
    <path d="M0 220 L90 160 L150 200 L260 130 L340 196 L430 148 L500 190 L600 150 V300 H0 Z" fill="#ffffff12" />
    <path d="M0 262 L110 214 L200 250 L320 200 L420 248 L520 214 L600 244 V300 H0 Z" fill="#ffffff17" />
    <g fill="none" stroke="#e9c46a" strokeWidth="1.6" strokeLinecap="round" strokeDasharray="1 6">
      <path d="M196 252 C 180 190 120 190 90 162" />
      <path d="M196 252 C 220 190 240 160 258 134" />
      <path d="M196 252 C 270 230 380 220 430 152" />
    </g>
    <circle cx="196" cy="252" r="6" fill="#fff" />
    <g fill="#e9c46a">
      <circle cx="90" cy="161" r="4.5" />
      <circle cx="259" cy="131" r="4.5" />
      <circle cx="430" cy="149" r="4.5" />
    </g>
  </svg>
);

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <SignIn />
  </StrictMode>,
);
