//! Onto the wire.

use proto::kpi::v1 as wire;

use super::queries::StockRow;
use crate::sales::convert::{Writing, number};

/// A row on the wire.
#[must_use]
pub fn row(row: StockRow, writing: Writing) -> wire::StockRow {
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
    }
}
