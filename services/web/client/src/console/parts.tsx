// Small things every page of the console uses.
import { Alert, Button, Skeleton } from "antd";
import { type ReactNode, useEffect, useMemo } from "react";
import type { View } from "../shared/api";
import { type Key, either, language, t, word } from "../shared/language";
import { follow } from "../shared/router";
import { useReference } from "../shared/session";
import { moment } from "../shared/time";
import { titleIn } from "../shared/title";
import { districtName } from "./places";

export type Round = View<"RoundShown">;
export type Plan = View<"PlanShown">;
export type PlannedEvent = View<"PlannedEvent">;
export type Unserved = View<"Unserved">;
export type Coverage = View<"Coverage">;
export type Request = View<"RequestShown">;
export type Expert = View<"ExpertShown">;
export type Run = View<"RunShown">;
export type Progress = View<"Progress">;

const TONES: Record<string, string> = {
  OPEN: "blue", FROZEN: "slate", SOLVING: "amber", PROPOSED: "violet", OFFERED: "amber", PUBLISHED: "green", CLOSED: "slate", ABANDONED: "red",
  DRAFT: "slate", SUBMITTED: "amber", ENDORSED: "blue", IN_ROUND: "violet", SCHEDULED: "green", UNSERVED: "red", WITHDRAWN: "slate", CANCELLED: "slate",
  ACCEPTED: "green", DECLINED: "red", LAPSED: "slate", CONFIRMED: "green", DELIVERED: "green", NO_SHOW: "red", REPLACED: "slate",
  QUEUED: "slate", WORKING: "amber", DONE: "green", FAILED: "red",
};

export function State({ kind, value }: { kind: "round" | "request" | "assignment" | "run"; value: string }) {
  return <span className={`state ${TONES[value] ?? "slate"}`}>{word(kind, value)}</span>;
}

export function Page({ title, tab, lead, actions, children, wide = false }: { title: ReactNode; tab?: string; lead?: ReactNode; actions?: ReactNode; children: ReactNode; wide?: boolean }) {
  const named = tab ?? (typeof title === "string" ? title : "");
  useEffect(() => {
    document.title = named ? `${named} · ${t("brand")}` : t("brand");
  }, [named]);
  return (
    <div className={`page ${wide ? "wide" : ""}`}>
      <header className="page-head">
        <div>
          <h1>{title}</h1>
          {lead && <div className="lead">{lead}</div>}
        </div>
        <div className="page-actions">{actions}</div>
      </header>
      {children}
    </div>
  );
}

export function Card({ title, extra, children, className = "" }: { title?: ReactNode; extra?: ReactNode; children: ReactNode; className?: string }) {
  return (
    <section className={`card ${className}`}>
      {title && (
        <div className="card-head">
          <h2>{title}</h2>
          <div className="card-extra">{extra}</div>
        </div>
      )}
      {children}
    </section>
  );
}

export function Figure({ label, value, note, tone, to }: { label: string; value: ReactNode; note?: ReactNode; tone?: string; to?: string }) {
  const inside = (
    <>
      <span className="figure-label">{label}</span>
      <span className="figure-value">{value}</span>
      <span className="figure-note">{note ?? "\u00a0"}</span>
    </>
  );
  return to ? (
    <a className={`figure ${tone ?? ""}`} href={to} onClick={follow}>
      {inside}
    </a>
  ) : (
    <div className={`figure ${tone ?? ""}`}>{inside}</div>
  );
}

/** A share as a bar, with the fair share as a mark; the number stands beside it, so the bar is for the eye only. */
export function Bar({ part, whole, tone = "", mark }: { part: number; whole: number; tone?: string; mark?: number }) {
  return (
    <span className={`bar ${tone}`} aria-hidden="true">
      <i style={{ width: `${whole > 0 ? Math.min(100, (100 * part) / whole) : 0}%` }} />
      {mark !== undefined && <b style={{ left: `${whole > 0 ? Math.min(100, (100 * mark) / whole) : 0}%` }} />}
    </span>
  );
}

/** Who signed and when; rounds of before names were kept have neither. */
export const signedText = (round: Round) => [round.signed_by_name ? t("signed.by", { who: round.signed_by_name }) : t("signed"), round.sign_time && moment(round.sign_time)].filter(Boolean).join(" ");

/** The first sign of somebody's own name, in the colour of their role. */
export const Face = ({ name, role }: { name: string; role: string }) => (
  <span className={`face small role-${role}`} aria-hidden="true">
    {name.split("·").at(-1)!.slice(0, 1)}
  </span>
);

/** Nothing here: why, and what to do about it. */
export function Nothing({ title, note, children }: { title: string; note?: string; children?: ReactNode }) {
  return (
    <div className="nothing">
      <svg viewBox="0 0 120 60" width="120" height="60" aria-hidden="true">
        <path d="M4 50 L34 18 L52 38 L74 10 L116 50 Z" fill="var(--sunken)" stroke="var(--line-strong)" />
        <circle cx="96" cy="14" r="6" fill="var(--brand-wash)" stroke="var(--line-strong)" />
      </svg>
      <h2>{title}</h2>
      {note && <p className="quiet">{note}</p>}
      {children}
    </div>
  );
}

type Asked = { isPending: boolean; error: Error | null; refetch: () => unknown };

/** Loading, gone wrong, or nothing there: said in one way everywhere. */
export function Shown({ of, none, children, rows = 6 }: { of: Asked; none?: string | false; children: ReactNode; rows?: number }) {
  if (of.isPending) return <Skeleton active paragraph={{ rows }} title={false} />;
  if (of.error)
    return (
      <Alert
        type="error"
        showIcon
        title={of.error.message}
        action={
          <Button size="small" onClick={() => of.refetch()}>
            {t("again")}
          </Button>
        }
      />
    );
  if (none) return <Nothing title={none} />;
  return <>{children}</>;
}

/** Names of districts and topics, by id. */
export function useNames() {
  const reference = useReference().data;
  const spoken = language();
  return useMemo(() => {
    const districts = new Map(reference?.districts.map((one) => [one.node, one]));
    const topics = new Map(reference?.topics.map((one) => [one.id, one]));
    return {
      reference,
      district: (node: string) => {
        // a town or village is named by the district it lies in
        const town = /-((\d{6})\d*)$/.exec(node);
        const code = town && (reference?.moved_towns[town[1]!] ?? town[2]);
        const found = districts.get(node) ?? (code ? districts.get(`nodes/district-${code}`) : undefined);
        return found ? districtName(found.zh, found.en) : node ? node.replace("nodes/", "") : t("district.none");
      },
      title: (title: string) => titleIn(title, reference?.topics),
      topic: (id: string) => {
        const found = topics.get(id);
        return found ? either(found.zh, found.en) : id;
      },
    };
    // the words depend on the language, too
  }, [reference, spoken]);
}

export const percent = (part: number, whole: number) => (whole ? Math.round((100 * part) / whole) : 0);
/** A gap as a share of the bound; a bound that is further away than the whole of itself tells nothing. */
export const gapText = (gap: number | null | undefined) => (gap == null || gap > 1 ? "—" : `${(100 * gap).toFixed(gap < 0.1 ? 2 : 1)}%`);
/** What limits a run: seconds, or else iterations. */
export const budgetText = (run: Run) => (run.seconds ? `${number(run.seconds)} ${t("seconds")}` : t("run.iterations", { count: number(run.iterations) }));
export const GROUPS = ["YOUTH", "FARMERS", "WORKERS", "ELDERLY", "OFFICIALS"] as const;
export const REASONS = ["NOBODY_ELIGIBLE", "NOT_FREE", "TOO_FAR", "LIMITS_USED_UP", "SEAT_MISSING", "DISPLACED", "RULED_OUT"] as const;
export const ROLES = ["ACADEMICIAN", "LECTURER", "VOLUNTEER"] as const;

/** One line of a list of facts. */
export const Fact = ({ name, value }: { name: string; value: ReactNode }) => (
  <div>
    <dt>{name}</dt>
    <dd>{value}</dd>
  </div>
);

/** Several names in one sentence. */
export const together = (names: string[]) => names.join(language() === "zh" ? "、" : ", ");
/** Who comes; whoever takes part from afar is marked. */
export const teamText = (one: PlannedEvent) => together(one.team.map((member) => (member.remote ? `${member.display_name} (${t("remote")})` : member.display_name)));
export const stageName = (stage: string) => word("stage", stage);
export const stageUnit = (stage: string) => t(`stage.unit.${stage}` as Key);
export const said = (one: { message: string; message_en: string }) => either(one.message, one.message_en);

/** Stages that count what is spent: the solver keeps them below 0, people read them without a sign, and less is better. */
const SPENT = ["PROMISES", "TRAVEL", "LOAD"];
export const isSpent = (stage: string) => SPENT.includes(stage);

/** A stage's value as people read it: shares as percent, travel in hours. */
export function stageValue(stage: string, value: number): string {
  const shown = isSpent(stage) && value ? -value : value;
  if (stage === "FLOOR") return `${(shown / 10).toFixed(1)}%`;
  if (stage === "TRAVEL") return number(Math.round(shown / 6) / 10);
  return number(shown);
}

/** A bound beside its value; one that proves nothing of it is left out. */
export const stageBound = ({ stage, bound, gap }: { stage: string; bound: number | null; gap: number | null }) => (bound == null || (gap ?? 0) > 1 ? "—" : stageValue(stage, bound));

/** A difference with its sign, as people read the stage. */
export function signed(stage: string, value: number): string {
  const shown = stageValue(stage, value);
  return value !== 0 && !shown.startsWith("\u2212") && !shown.startsWith("-") ? `+${shown}` : shown;
}

/** Thousands apart by a narrow space, as in both languages. */
export const number = (value: number) => value.toLocaleString("en-US").replace(/,/g, "\u2009").replace(/^-/, "\u2212");
