DROP TABLE plan_supply;
