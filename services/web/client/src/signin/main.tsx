// On one machine: choose one of the ready-made people.
import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { type View, get, rememberCsrf, send } from "../shared/api";
import { Glyph } from "../shared/glyph";
import { type Key, language, setLanguage, t, useLanguage } from "../shared/language";
import { homeOf } from "../shared/session";
import "../shared/theme";
import "../shared/base.css";
import "./signin.css";

type Person = View<"PersonShown">;

const KINDS: { title: Key; has: (roles: string[]) => boolean }[] = [
  { title: "signin.venue", has: (roles) => roles.includes("VENUE_STAFF") || roles.includes("LOCAL_HEAD") },
  { title: "signin.run", has: (roles) => roles.some((role) => role.endsWith("COORDINATOR") || role === "LEADER") },
  { title: "signin.serve", has: (roles) => roles.includes("EXPERT") },
];

function SignIn() {
  useLanguage();
  const [people, setPeople] = useState<Person[]>([]);
  const [wrong, setWrong] = useState("");
  const load = () => {
    setWrong("");
    get<Person[]>("people").then(setPeople, (error: Error) => setWrong(error.message));
  };
  useEffect(load, []);
  useEffect(() => {
    document.title = `${t("brand")} · ${t("brand.claim")}`;
  });
  async function be(person: Person) {
    try {
      const session = await send<View<"SessionShown">>("session", { person: person.id });
      rememberCsrf(session.csrf);
      location.assign(homeOf(session.roles));
    } catch (error) {
      setWrong((error as Error).message);
    }
  }
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
      <section>
        <h2>{t("signin.title")}</h2>
        <p className="quiet">{t("signin.note")}</p>
        {wrong && (
          <p role="alert" className="wrong">
            {wrong} <button className="plain" onClick={load}>{t("again")}</button>
          </p>
        )}
        {KINDS.map((kind) => (
          <div key={kind.title} className="kind">
            <h3>{t(kind.title)}</h3>
            <ul>
              {people
                .filter((person) => kind.has(person.roles))
                .map((person) => (
                  <li key={person.id}>
                    <button onClick={() => void be(person)}>
                      <span>
                        <strong>{language() === "zh" ? person.zh : person.en}</strong>
                        <small>{t(`signin.${person.id}` as Key)}</small>
                      </span>
                      <Glyph name="next" size={18} />
                    </button>
                  </li>
                ))}
            </ul>
          </div>
        ))}
      </section>
    </main>
  );
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <SignIn />
  </StrictMode>,
);
