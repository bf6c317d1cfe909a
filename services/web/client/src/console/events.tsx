// The plan by request: what is sent where, when, and who comes.
import { Input, Select, Table } from "antd";
import { useMemo, useState } from "react";
import { idOf } from "../shared/api";
import { t, word } from "../shared/language";
import { setQuery, usePlace } from "../shared/router";
import { range } from "../shared/time";
import { type PlannedEvent, useNames } from "./parts";

export function EventsTable({ events }: { events: PlannedEvent[] }) {
  const { district } = useNames();
  const { query } = usePlace();
  const [text, setText] = useState("");
  const where = query.get("district");
  const rows = useMemo(
    () => events.filter((one) => (!where || one.district === where) && (!text || one.title.includes(text) || one.team.some((member) => member.display_name.includes(text)))),
    [events, where, text],
  );
  const districts = useMemo(() => [...new Set(events.map((one) => one.district))].filter(Boolean), [events]);
  return (
    <>
      <div className="filters">
        <Input.Search allowClear placeholder={t("events.search")} aria-label={t("events.search")} onChange={(event) => setText(event.target.value)} style={{ width: 260 }} />
        <Select
          allowClear
          showSearch={{ optionFilterProp: "label" }}
          value={where}
          placeholder={t("district.all")}
          aria-label={t("district")}
          style={{ width: 180 }}
          onChange={(value) => setQuery({ district: value ?? null })}
          options={districts.map((one) => ({ value: one, label: district(one) }))}
        />
        <span className="quiet">{t("rows", { count: rows.length })}</span>
      </div>
      <Table<PlannedEvent>
        size="small"
        rowKey="request"
        virtual
        scroll={{ x: 900, y: 560 }}
        pagination={false}
        dataSource={rows}
        onRow={(row) => ({ onClick: () => setQuery({ why: idOf(row.request) }), onKeyDown: (event) => event.key === "Enter" && setQuery({ why: idOf(row.request) }), tabIndex: 0, className: "clickable" })}
        columns={[
          { title: t("when"), width: 220, render: (_, row) => range(row.period), sorter: (a, b) => (a.period?.start_time ?? "").localeCompare(b.period?.start_time ?? "") },
          { title: t("district"), width: 110, render: (_, row) => district(row.district) },
          { title: t("request"), width: 300, ellipsis: true, dataIndex: "title" },
          { title: t("group"), width: 90, render: (_, row) => word("group", row.group) },
          { title: t("team"), width: 320, ellipsis: true, render: (_, row) => row.team.map((member) => member.display_name).join("、") },
        ]}
      />
    </>
  );
}
