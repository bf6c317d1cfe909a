-- Whom to recruit next, found after a plan was stored; no row: not looked for yet.
-- depends: 0001.create_scheduling

CREATE TABLE plan_supply (
    plan    text  CONSTRAINT plan_supply_once PRIMARY KEY CONSTRAINT plan_supply_of REFERENCES plans (name),
    signals jsonb NOT NULL
);
