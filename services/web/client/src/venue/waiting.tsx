// What waits to be sent, in plain sight, with a way to send it now and a way to let it go.
import { Glyph } from "../shared/glyph";
import { t } from "../shared/language";
import { go } from "../shared/router";
import { moment } from "../shared/time";
import { useTitle } from "./data";
import { discard, flush, useOutbox } from "./outbox";

export function Waiting() {
  return useOutbox().jobs.length ? <Jobs /> : null;
}

function Jobs() {
  const { jobs, sending } = useOutbox();
  const titled = useTitle();
  return (
    <section className="waiting" aria-label={t("outbox.title")}>
      <header>
        <h2>
          <Glyph name="clock" size={18} /> {t("outbox.title")}
        </h2>
        <button type="button" className="link" disabled={sending !== ""} onClick={() => void flush()}>
          {sending ? t("outbox.sending") : t("outbox.now")}
        </button>
      </header>
      <ul>
        {jobs.map((job) => (
          <li key={job.key}>
            <div>
              <b>{t(`outbox.${job.kind}`, { title: titled(job.title) })}</b>
              <small className={job.refused ? "bad" : undefined}>{job.refused ? t("outbox.refused", { why: job.refused }) : moment(new Date(job.at))}</small>
            </div>
            {job.refused && (
              <span>
                {job.draft && (
                  <button
                    type="button"
                    className="link"
                    onClick={() => {
                      discard(job.key);
                      go(`/app/new?draft=${job.draft}`);
                    }}
                  >
                    {t("outbox.edit")}
                  </button>
                )}
                <button type="button" className="link" onClick={() => discard(job.key)}>
                  {t("outbox.drop")}
                </button>
              </span>
            )}
          </li>
        ))}
      </ul>
      <p>{t("outbox.note")}</p>
    </section>
  );
}
