// Small things every page of the console uses.
import { Alert, Button, Empty, Skeleton } from "antd";
import type { ReactNode } from "react";
import type { View } from "../shared/api";
import { either, t, word } from "../shared/language";
import { useReference } from "../shared/session";

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

export function Page({ title, lead, actions, children }: { title: ReactNode; lead?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <div className="page">
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

export function Figure({ label, value, note, tone }: { label: string; value: ReactNode; note?: ReactNode; tone?: string }) {
  return (
    <div className={`figure ${tone ?? ""}`}>
      <div className="figure-label">{label}</div>
      <div className="figure-value">{value}</div>
      {note && <div className="figure-note">{note}</div>}
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
  if (none) return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={none} />;
  return <>{children}</>;
}

/** Names of districts and topics, by id. */
export function useNames() {
  const reference = useReference().data;
  const districts = new Map(reference?.districts.map((one) => [one.node, one]));
  const topics = new Map(reference?.topics.map((one) => [one.id, one]));
  return {
    reference,
    district: (node: string) => {
      const found = districts.get(node);
      return found ? either(found.zh, found.en) : node ? node.replace("nodes/", "") : t("district.none");
    },
    topic: (id: string) => {
      const found = topics.get(id);
      return found ? either(found.zh, found.en) : id;
    },
  };
}

export const percent = (part: number, whole: number) => (whole ? Math.round((100 * part) / whole) : 0);
export const gapText = (gap: number | null | undefined) => (gap == null ? "—" : `${(100 * gap).toFixed(gap < 0.1 ? 2 : 1)}%`);
export const number = (value: number) => value.toLocaleString("en-US").replace(/,/g, " ");
