//! A catalogue with prices and stock, loaded through the public API as a company would.

use std::time::Duration;

use anyhow::ensure;
use proto::erp::v1::ReceiptLineInput;
use proto::erp::v1::receipt_line_input::Cost;
use proto::orders::v1::{PutChannelRequest, PutPriceListRequest, TaxRounding};
use suite::bulk::stock::{self, Delivery};
use suite::bulk::{intake, money, pieces};
use suite::say::Progress;
use time::OffsetDateTime;

use crate::company::{CHANNEL, Company};

/// The currency of all prices.
pub const CURRENCY: &str = "RUB";
/// The price list orders are compared with.
pub const PRICE_LIST: &str = "load";

/// How many goods there are, and how much of each.
#[derive(Debug, Clone, Copy)]
pub struct Goods {
    /// Number of stock keeping units.
    pub count: usize,
    /// Pieces of each.
    pub stock: i64,
}

impl Default for Goods {
    fn default() -> Self {
        Self { count: 25_000, stock: 10_000_000 }
    }
}

impl Goods {
    /// The unit number `n`, from 0.
    pub fn sku(n: usize) -> String {
        format!("LOAD-{:06}", n + 1)
    }

    /// Its price in kopecks, VAT inside.
    pub const fn price(n: usize) -> u64 {
        1_999 + (n as u64 * 7_919) % 100_000
    }

    /// Loads channel, price list, goods and stock, and waits until everybody knows of them.
    pub async fn load(&self, company: &Company) -> anyhow::Result<()> {
        let staff = company.staff()?;
        let list = PutPriceListRequest {
            code: PRICE_LIST.to_owned(),
            name: "Load".to_owned(),
            currency: CURRENCY.to_owned(),
            vat_included: true,
        };
        intake::put_price_list(&staff, &list).await?;
        let channel = PutChannelRequest {
            code: CHANNEL.to_owned(),
            name: "Load".to_owned(),
            price_list: PRICE_LIST.to_owned(),
            price_authoritative: false,
            prices_include_tax: true,
            tax_rounding: TaxRounding::PerLine.into(),
            tolerance: "0".to_owned(),
        };
        intake::put_channel(&staff, &channel).await?;
        let rows: Vec<_> = (0..self.count)
            .map(|n| format!("{},Товар {n},category-{},pcs,22,active,{}", Self::sku(n), n % 40, amount(Self::price(n))))
            .collect();
        let heading = "sku,name_ru,category,unit,vat_rate,status,price";
        let imported = intake::import_products(&staff, heading, &rows, PRICE_LIST).await?;
        ensure!(imported.rows as usize == self.count, "{} of {} goods were imported", imported.rows, self.count);
        company.quiet(Duration::from_secs(120)).await?;
        let lines = (0..self.count)
            .map(|n| ReceiptLineInput {
                sku: Self::sku(n),
                quantity: Some(pieces(self.stock)),
                lot: format!("{}-1", Self::sku(n)),
                expires_on: String::new(),
                cost: Some(Cost::UnitCost(money(CURRENCY, 10.into()))),
                ..ReceiptLineInput::default()
            })
            .collect();
        let mut progress = Progress::new("Stock", self.count as u64);
        let deliveries = vec![Delivery { supplier: "LOAD".to_owned(), lines }];
        stock::receive(&staff, deliveries, OffsetDateTime::now_utc(), &mut progress).await?;
        company.quiet(Duration::from_secs(120)).await.map(drop)
    }
}

/// Kopecks as an amount.
pub fn amount(kopecks: u64) -> String {
    format!("{}.{:02}", kopecks / 100, kopecks % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kopecks_keep_their_zeros() {
        assert_eq!(amount(1_905), "19.05");
        assert_eq!(amount(7), "0.07");
    }
}
