// Off to the identity provider, and back to where the reader wanted to go; while trying out, as one of its ready-made people.
import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { type View, get } from "../shared/api";
import { Glyph } from "../shared/glyph";
import { type Key, language, setLanguage, t, useLanguage } from "../shared/language";
import { words } from "../shared/words";
import "../shared/theme";
import "../shared/base.css";
import "./signin.css";

type Person = View<"PersonShown">;

const KINDS: { title: Key; has: (roles: string[]) => boolean }[] = [
  { title: "signin.venue", has: (roles) => roles.includes("VENUE_STAFF") || roles.includes("LOCAL_HEAD") },
  { title: "signin.run", has: (roles) => roles.some((role) => role.endsWith("COORDINATOR") || role === "LEADER") },
  { title: "signin.serve", has: (roles) => roles.includes("EXPERT") },
];

const asked = new URLSearchParams(location.search);
const next = asked.get("next") ?? "/";
const start = (person = "") => `/auth/start?${new URLSearchParams({ next, ...(person && { person }) })}`;

function SignIn() {
  useLanguage();
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
        <img src="/static/icon.svg" alt="" width={56} height={56} />
        <h1>{t("brand")}</h1>
        <p>{t("brand.claim")}</p>
        <button className="plain" onClick={() => setLanguage(language() === "zh" ? "en" : "zh")} lang={language() === "zh" ? "en" : "zh-CN"}>
          {t("language.other")}
        </button>
      </header>
      <section aria-busy={people === null}>
        <h2>{people?.length ? t("signin.title") : t("signin.page")}</h2>
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
        {!!people?.length && <p className="quiet">{t("signin.note")}</p>}
        {KINDS.map((kind) => {
          const here = people?.filter((person) => kind.has(person.roles)) ?? [];
          if (people !== null && here.length === 0) return null;
          return (
            <div key={kind.title} className="kind">
              <h3>{t(kind.title)}</h3>
              <ul>
                {people === null && <li className="ghost" aria-hidden="true" />}
                {here.map((person) => (
                  <li key={person.id}>
                    <a href={start(person.id)}>
                      <span>
                        <strong>
                          {language() === "zh" ? person.zh : person.en}
                          {t("signin.sample")}
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

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <SignIn />
  </StrictMode>,
);
