//! Onto the wire.

use proto::kpi::v1 as wire;

use super::queries::StockRow;
use crate::sales::{
    convert::{Writing, number, period_changes},
    domain::{Named, Period},
};

/// A row with what it was in other periods.
pub type Compared = (StockRow, Vec<(Period, StockRow)>);

fn numbers(row: &StockRow) -> Named {
    vec![
        ("received_quantity", Some(row.received_quantity)),
        ("received_cost", Some(row.received_cost)),
        ("shipped_quantity", Some(row.shipped_quantity)),
        ("shipped_cost", Some(row.shipped_cost)),
        ("back_quantity", Some(row.back_quantity)),
        ("back_cost", Some(row.back_cost)),
        ("written_off_quantity", Some(row.written_off_quantity)),
        ("written_off_cost", Some(row.written_off_cost)),
        ("days_with_shipments", Some(row.days_with_shipments.into())),
        ("stock_outs", Some(row.stock_outs.into())),
        ("out_of_stock_seconds", Some(row.out_of_stock_seconds.into())),
    ]
}

/// A row on the wire.
#[must_use]
pub fn row((row, others): Compared, writing: Writing) -> wire::StockRow {
    let now = numbers(&row);
    let comparisons = others.iter().map(|(period, then)| period_changes(&now, &numbers(then), *period));
    let comparisons = comparisons.collect();
    wire::StockRow {
        sku: row.sku,
        name: row.name,
        received_quantity: number(row.received_quantity),
        received_cost: Some(writing.money(row.received_cost)),
        shipped_quantity: number(row.shipped_quantity),
        shipped_cost: Some(writing.money(row.shipped_cost)),
        back_quantity: number(row.back_quantity),
        back_cost: Some(writing.money(row.back_cost)),
        written_off_quantity: number(row.written_off_quantity),
        written_off_cost: Some(writing.money(row.written_off_cost)),
        days_with_shipments: row.days_with_shipments,
        stock_outs: row.stock_outs,
        out_of_stock_seconds: row.out_of_stock_seconds,
        out_of_stock: row.out_of_stock,
        comparisons,
    }
}
