// The account: language, light, places, what the phone keeps, and the way out.
import { useState } from "react";
import { type Refused, newKey, send } from "../shared/api";
import { Glyph } from "../shared/glyph";
import { either, language, setLanguage, t, word } from "../shared/language";
import { toggleTheme, useTheme } from "../shared/theme";
import { useVenues } from "./data";
import { forget, keptBytes } from "./device";
import { Bones, Card, Check, Choices, More, Sheet, Wrong, useShown } from "./parts";
import { mayFile, useWho } from "./who";

const PAGE = 10;

/** Whose session is over already is signed out. */
function unlessOver(error: Refused) {
  if (error.status !== 401) throw error;
}

export default function Me() {
  const who = useWho();
  const dark = useTheme() === "dark";
  const [deleting, setDeleting] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const leave = () => {
    forget();
    location.replace("/");
  };
  const act = (what: () => Promise<unknown>) => what().then(leave, setError);
  return (
    <>
      <header className="hero">
        <div>
          <h1>{either(who.zh, who.en)}</h1>
          <p className="quiet">{who.roles.map((role) => t(`who.${role}` as Parameters<typeof t>[0])).join(" · ")}</p>
        </div>
      </header>
      <Card title={t("me.language")}>
        <Choices label={t("me.language")} quiet value={language()} options={[{ value: "zh", text: t("me.chinese") }, { value: "en", text: t("me.english") }]} onChange={setLanguage} />
        <Check checked={dark} onChange={toggleTheme}>
          {t("me.theme")}
        </Check>
      </Card>
      <Card title={t("me.phone")}>
        <p>{t("me.phone.note")}</p>
        <p className="quiet">{(keptBytes() / 1024).toFixed(0)} kB</p>
        <p className="quiet small">{t("me.install")}</p>
      </Card>
      {error && <Wrong error={error} />}
      <div className="buttons">
        <button type="button" className="plain" onClick={() => void act(() => send("session", {}, newKey(), "DELETE").catch(unlessOver))}>
          {t("me.signout")}
        </button>
        <button type="button" className="plain bad" onClick={() => setDeleting(true)}>
          {t("me.delete")}
        </button>
      </div>
      {mayFile(who) && <Places /> /* last: it is as long as there are venues, and nothing below it jumps */}
      {deleting && (
        <Sheet
          title={t("me.delete.sure")}
          onClose={() => setDeleting(false)}
          foot={
            <div className="buttons">
              <button type="button" className="plain" onClick={() => setDeleting(false)}>
                {t("me.delete.no")}
              </button>
              <button type="button" className="big bad" onClick={() => void act(() => send("account", {}, newKey(), "DELETE"))}>
                {t("me.delete.yes")}
              </button>
            </div>
          }
        >
          <p>{t("me.delete.note")}</p>
        </Sheet>
      )}
    </>
  );
}

function Places() {
  const venues = useVenues();
  const [shown, rest] = useShown(venues.data?.venues, PAGE);
  return (
    <Card title={t("me.places")}>
      {!venues.data && (venues.error ? <Wrong error={venues.error} again={() => void venues.refetch()} /> : <Bones rows={2} />)}
      <ul className="rows">
        {shown?.map((one) => (
          <li key={one.name} className="row">
            <span>
              <b>{one.display_name}</b>
              <span className="quiet">
                {word("group", one.group)} · {t("file.venue.holds", { count: one.capacity })}
              </span>
            </span>
            <Glyph name="place" size={18} />
          </li>
        ))}
      </ul>
      <More list={rest} />
    </Card>
  );
}
