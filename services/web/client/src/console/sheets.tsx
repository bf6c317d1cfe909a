// Sheets in and out: what is there as xlsx, and a sheet taken in row by row, each refusal with its row and column.
import { Alert, Button, Segmented, Table } from "antd";
import { useState } from "react";
import { Refused, type View, address, newKey, upload } from "../shared/api";
import { type Key, t } from "../shared/language";
import { setQuery, usePlace } from "../shared/router";
import type { Session } from "../shared/session";
import { Card, Figure, Page, number } from "./parts";
import { mayRun } from "./rounds";

type Report = View<"SheetReport">;
const KINDS = ["requests", "experts", "availability", "venues"] as const;

export default function Sheets({ who }: { who: Session }) {
  const { query } = usePlace();
  const kind = (KINDS as readonly string[]).includes(query.get("kind") ?? "") ? query.get("kind")! : "requests";
  const [file, setFile] = useState<File | null>(null);
  const [report, setReport] = useState<(Report & { dry: boolean }) | null>(null);
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState("");
  const [key, setKey] = useState(newKey);
  async function take(dry: boolean) {
    if (!file) return;
    setBusy(dry ? "dry" : "real");
    setWrong("");
    try {
      const answer = await upload<Report>(`sheets/${kind}:import`, file, { dry_run: String(dry), format: file.name.toLowerCase().endsWith(".csv") ? "csv" : "xlsx" }, dry ? newKey() : key);
      setReport({ ...answer, dry });
      if (!dry) setKey(newKey());
    } catch (error) {
      setWrong(error instanceof Refused ? [error.message, ...error.violations.map((one) => one.detail)].join(" ") : t("failed"));
    } finally {
      setBusy("");
    }
  }
  /** The step that comes next: a file, its check, taking it in. */
  const at = !file ? 0 : report?.dry ? 2 : report ? 3 : 1;
  return (
    <Page title={t("sheets")} lead={t("sheets.lead")}>
      <div className="filters">
        <Segmented
          value={kind}
          onChange={(value) => {
            setReport(null);
            setFile(null);
            setQuery({ kind: value === "requests" ? null : value });
          }}
          options={KINDS.map((one) => ({ value: one as string, label: t(`sheets.${one}` as Key) }))}
        />
      </div>
      <div className="columns even stretch">
        <Card title={t("sheets.out")}>
          <p className="quiet">{t("sheets.out.note")}</p>
          <p>
            <Button type="primary" href={address(`sheets/${kind}`)} download={`${kind}.xlsx`}>
              {t("sheets.download")}
            </Button>
          </p>
          <p className="fine">{t("sheets.private")}</p>
        </Card>
        <Card title={t("sheets.in")}>
          <p className="quiet">{t("sheets.in.note")}</p>
          {mayRun(who) ? (
            <>
              <ol className="stages">
                {(["sheets.pick", "sheets.check", "sheets.take"] as const).map((one, index) => (
                  <li key={one} className={index < at ? "done" : index === at ? "now" : ""} aria-current={index === at ? "step" : undefined}>
                    {t(one)}
                  </li>
                ))}
              </ol>
              <label className="file-pick">
                <span>{file ? file.name : t("sheets.pick")}</span>
                <input
                  type="file"
                  accept=".xlsx,.csv"
                  aria-label={t("sheets.pick")}
                  onChange={(event) => {
                    setFile(event.target.files?.[0] ?? null);
                    setReport(null);
                    setKey(newKey());
                  }}
                />
              </label>
              <p className="row-actions">
                <Button type={at === 1 ? "primary" : "default"} disabled={!file} loading={busy === "dry"} onClick={() => void take(true)}>
                  {t("sheets.check")}
                </Button>
                <Button type={at === 1 ? "default" : "primary"} disabled={!file || !report?.dry} loading={busy === "real"} onClick={() => void take(false)}>
                  {t("sheets.take")}
                </Button>
              </p>
            </>
          ) : (
            <Alert type="info" title={t("sheets.not.yours")} />
          )}
          {wrong && <Alert type="error" showIcon title={wrong} />}
        </Card>
      </div>
      {report && (
        <section aria-live="polite">
          <div className="figures five">
            <Figure label={t("sheets.rows")} value={number(report.rows)} note={report.dry ? t("sheets.dry") : t("sheets.real")} />
            <Figure label={t("sheets.added")} value={number(report.added)} tone="good" />
            <Figure label={t("sheets.changed")} value={number(report.changed)} />
            <Figure label={t("sheets.unchanged")} value={number(report.unchanged)} />
            <Figure label={t("sheets.refused")} value={number(report.refused)} tone={report.refused ? "bad" : undefined} note={report.not_tried ? t("sheets.not.tried", { count: report.not_tried }) : undefined} />
          </div>
          {report.problems.length > 0 && (
            <Card title={t("sheets.problems")} extra={<span className="tab-count">{report.problems.length}</span>}>
              <Table<Report["problems"][number]>
                size="small"
                rowKey={(row) => `${row.row} ${row.column} ${row.sentence}`}
                pagination={report.problems.length > 50 ? { pageSize: 50, showSizeChanger: false } : false}
                dataSource={report.problems}
                scroll={{ x: 700 }}
                columns={[
                  { title: t("sheets.row"), dataIndex: "row", width: 80, align: "right" },
                  { title: t("sheets.column"), dataIndex: "column", width: 160 },
                  { title: t("sheets.why"), dataIndex: "sentence" },
                  { title: t("sheets.code"), dataIndex: "reason", width: 190, render: (value: string) => <code>{value}</code> },
                ]}
              />
            </Card>
          )}
        </section>
      )}
    </Page>
  );
}
