//! Onto the wire.

use proto::kpi::v1 as wire;

use super::{
    domain::{STAGES, Stage, TimeSpent, funnel},
    queries::{Around, Counts, StateRow},
};
use crate::sales::{
    convert::{Writing, comparison, figures, percent_text, period_changes},
    domain::{Figures, Named, Period},
    queries::Compared,
};

fn time_spent(time: TimeSpent) -> wire::TimeSpent {
    wire::TimeSpent {
        from: time.from.to_owned(),
        to: time.to.to_owned(),
        orders: time.orders,
        median_seconds: time.median,
        p90_seconds: time.p90,
    }
}

fn funnel_numbers(counts: &Counts) -> Named {
    let reached = STAGES.into_iter().zip(counts.reached);
    let others = [
        ("paid", counts.paid),
        ("cancelled", counts.cancelled),
        ("uncollected", counts.uncollected),
        ("returned", counts.returned),
    ];
    reached.chain(others).map(|(name, orders)| (name, Some(orders.into()))).collect()
}

fn summary_numbers(counts: &Counts, around: &Around) -> Named {
    vec![
        ("customers", Some(counts.customers.into())),
        ("new_orders", Some(counts.new_orders.into())),
        ("repeat_orders", Some(counts.repeat_orders.into())),
        ("anonymous_orders", Some(counts.anonymous_orders.into())),
        ("tasks_opened", Some(around.tasks_opened.into())),
        ("tasks_closed", Some(around.tasks_closed.into())),
        ("received", Some(around.received)),
        ("refunded", Some(around.refunded)),
    ]
}

/// The funnel, and how it was in other periods.
#[must_use]
pub fn funnel_response(counts: Counts, others: &[(Period, Counts)]) -> wire::GetFunnelResponse {
    let now = funnel_numbers(&counts);
    let comparisons = others.iter().map(|(period, then)| period_changes(&now, &funnel_numbers(then), *period));
    let comparisons = comparisons.collect();
    let stage = |stage: Stage| wire::FunnelStage {
        stage: stage.name.to_owned(),
        orders: stage.orders,
        percent_of_placed: percent_text(stage.of_placed),
        percent_of_previous: percent_text(stage.of_previous),
        since_previous: stage.since_previous.map(time_spent),
    };
    wire::GetFunnelResponse {
        stages: funnel(counts.reached, counts.times).into_iter().map(stage).collect(),
        paid: counts.paid,
        cancelled: counts.cancelled,
        uncollected: counts.uncollected,
        returned: counts.returned,
        comparisons,
    }
}

/// What a summary is made of.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Sales.
    pub figures: Figures,
    /// Sales of other periods.
    pub comparisons: Vec<Compared>,
    /// Counts of orders.
    pub counts: Counts,
    /// Orders by state.
    pub states: Vec<StateRow>,
    /// Tasks and money.
    pub around: Around,
    /// Counts, tasks and money of other periods.
    pub others: Vec<(Period, Counts, Around)>,
}

/// The summary.
#[must_use]
pub fn summary_response(summary: Summary, writing: Writing) -> wire::GetSummaryResponse {
    let Summary { figures: now, comparisons, counts, states, around, others } = summary;
    let numbers = summary_numbers(&counts, &around);
    let count_comparisons = others
        .iter()
        .map(|(period, counts, around)| period_changes(&numbers, &summary_numbers(counts, around), *period));
    let states_of = |machine: &str| {
        let of_machine = states.iter().filter(|row| row.machine == machine);
        of_machine.map(|row| wire::StateCount { state: row.state.clone(), orders: row.orders }).collect()
    };
    wire::GetSummaryResponse {
        figures: Some(figures(&now, writing)),
        comparisons: comparisons.iter().map(|then| comparison(&now, then, writing)).collect(),
        customers: counts.customers,
        new_orders: counts.new_orders,
        repeat_orders: counts.repeat_orders,
        anonymous_orders: counts.anonymous_orders,
        order_states: states_of("order"),
        payment_states: states_of("payment"),
        fulfilment_states: states_of("fulfilment"),
        durations: counts.times.into_iter().map(time_spent).collect(),
        tasks_opened: around.tasks_opened,
        tasks_closed: around.tasks_closed,
        tasks_open: around.tasks_open,
        received: Some(writing.money(around.received)),
        refunded: Some(writing.money(around.refunded)),
        count_comparisons: count_comparisons.collect(),
    }
}
