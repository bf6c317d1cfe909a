DROP TABLE debts, coverage, decisions, assignments, expert_numbers, plan_unserved, plans, run_progress, runs, snapshots, round_requests, rounds;
DROP FUNCTION refuse_change();
DROP TABLE requests, venues, nodes, pools, experts;
