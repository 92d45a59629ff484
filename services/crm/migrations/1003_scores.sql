-- The figures of a customer (sums over order_fact, kept up to date by differences) and the score made from them. The
-- hot row of a customer: whoever changes it holds its lock, taken in order of customer_id.
create table customer_figures (
    customer_id uuid primary key,
    -- Version of the aggregate in the events.
    version bigint not null default 0,
    region text not null default '',
    placed_orders bigint not null default 0,
    orders bigint not null default 0,
    successful_orders bigint not null default 0,
    shipped_orders bigint not null default 0,
    not_collected_orders bigint not null default 0,
    other_currency_orders bigint not null default 0,
    -- Orders that are in the sums.
    summed_orders bigint not null default 0,
    returns bigint not null default 0,
    defect_returns bigint not null default 0,
    failed_shipments bigint not null default 0,
    gross_sum numeric not null default 0,
    discount_sum numeric not null default 0,
    -- Without what was cancelled.
    ordered_sum numeric not null default 0,
    returned_sum numeric not null default 0,
    margin_sum numeric not null default 0,
    first_order_at timestamptz,
    last_order_at timestamptz,
    -- Null and empty before the first order.
    score numeric,
    grade text not null default '',
    model_version bigint not null default 0,
    scored_as_of timestamptz,
    -- The parameters as [number, value, score, weight, figures of the explanation].
    parameters json not null default '[]',
    -- The categories bought most, as [category, share].
    categories json not null default '[]',
    -- Score and grade last written to the history and published.
    recorded_score numeric,
    recorded_grade text not null default '',
    constraint customer_figures_counts check (
        placed_orders >= orders and orders >= successful_orders and successful_orders >= 0
        and orders >= not_collected_orders and not_collected_orders >= 0 and summed_orders >= 0
        and shipped_orders >= not_collected_orders and other_currency_orders >= 0
        and returns >= defect_returns and defect_returns >= 0 and failed_shipments >= 0),
    constraint customer_figures_score check (score between 0 and 100),
    constraint customer_figures_grade check (grade in ('', 'A', 'B', 'C', 'D', 'E')),
    constraint customer_figures_grade_with_score check ((score is null) = (grade = ''))
) with (fillfactor = 80);
create index customer_figures_by_grade on customer_figures (grade, customer_id);
create index customer_figures_by_region on customer_figures (region, customer_id);

create table score_history (
    customer_id uuid not null,
    change_id bigint generated always as identity,
    scored_at timestamptz not null,
    total numeric not null,
    previous_total numeric,
    grade text not null,
    previous_grade text not null,
    cause text not null,
    cause_id text not null,
    model_version bigint not null,
    -- Scores of the parameters in order of their numbers.
    parameter_scores numeric[] not null,
    primary key (customer_id, change_id)
);

create table score_model (
    version bigint primary key,
    model jsonb not null,
    comment text not null,
    created_at timestamptz not null,
    created_by text not null,
    constraint score_model_version check (version > 0)
);

-- Where the sweep that re-scores as time passes has come to.
create table score_sweep (
    only_row boolean primary key default true,
    after_customer_id uuid not null default '00000000-0000-0000-0000-000000000000',
    resumes_at timestamptz not null default 'epoch',
    constraint score_sweep_only_row check (only_row)
);
insert into score_sweep default values;
