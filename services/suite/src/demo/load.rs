#![doc = "Brings the demo company in through the public API, window by window, so that any size fits in memory."]

use std::collections::HashMap;

use anyhow::bail;
use futures::{StreamExt as _, TryStreamExt as _};
use proto::erp::v1::ReceiptLineInput;
use proto::erp::v1::receipt_line_input::Cost;
use proto::orders::v1::{
    BuyerInput, DeliveryInput, LineKind, OrderInput, OrderLineInput, PutChannelRequest, PutPriceListRequest,
    TaxRounding,
};
use time::{Date, Duration, OffsetDateTime};

use super::goods::{self, Good};
use super::history::{DAYS, Ending, History, Order};
use super::people;
use super::scale::Scale;
use crate::bulk::fulfilment::{self, TakeBack};
use crate::bulk::intake::{self, Pushed, csv_field};
use crate::bulk::stock::{self, Delivery};
use crate::bulk::{IN_FLIGHT, content_id, money, pieces, quiet};
use crate::client::api::Api;
use crate::say::{self, Progress};

/// The seed of the demo company everybody sees.
pub const SEED: u64 = 20_260_301;
/// Its sales channel.
pub const CHANNEL: &str = "web";
const PRICE_LIST: &str = "retail";
/// The demo warehouse sends its parcels every fifth day.
const COLLECT_DAYS: i64 = 5;
const WINDOW: u64 = 20_000;

/// Who the demo company is loaded as, and what it looks like.
pub struct Company<'a> {
    /// Pushes orders: the shop.
    pub shop: &'a Api,
    /// Does everything else: staff.
    pub staff: &'a Api,
    /// Size.
    pub scale: Scale,
    /// Last day of the history.
    pub last_day: Date,
    /// Currency of prices and costs.
    pub currency: &'a str,
    /// The time.
    pub now: OffsetDateTime,
}

/// What was loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Orders stored or known from before.
    pub orders: u64,
    /// Orders refused.
    pub refused: u64,
    /// Orders that wait for a person.
    pub held: u64,
}

impl Company<'_> {
    /// Loads goods, stock and the whole history.
    pub async fn load(&self) -> anyhow::Result<Loaded> {
        let history = History::new(SEED, self.scale.sizes(), self.last_day);
        self.goods().await?;
        quiet::wait(self.staff).await?;
        self.stock(&history).await?;
        quiet::wait(self.staff).await?;
        let mut loaded = Loaded::default();
        for from in (0..history.len()).step_by(WINDOW as usize) {
            self.window(&history, from, (from + WINDOW).min(history.len()), &mut loaded).await?;
        }
        Ok(loaded)
    }

    async fn goods(&self) -> anyhow::Result<()> {
        let list = PutPriceListRequest {
            code: PRICE_LIST.to_owned(),
            name: "Розница".to_owned(),
            currency: self.currency.to_owned(),
            vat_included: true,
        };
        intake::put_price_list(self.staff, &list).await?;
        let channel = PutChannelRequest {
            code: CHANNEL.to_owned(),
            name: "Интернет-магазин".to_owned(),
            price_list: PRICE_LIST.to_owned(),
            // Prices of two years ago are not those of today: the shop's own prices count.
            price_authoritative: true,
            prices_include_tax: true,
            tax_rounding: TaxRounding::PerLine.into(),
            tolerance: "0".to_owned(),
        };
        intake::put_channel(self.staff, &channel).await?;
        let sizes = self.scale.sizes();
        let rows: Vec<_> = (0..goods::count(&sizes)).map(|n| row(&goods::good(SEED, &sizes, n))).collect();
        let heading = "sku,name_ru,brand,category,unit,barcodes,vat_rate,weight_grams,status,price";
        let imported = intake::import_products(self.staff, heading, &rows, PRICE_LIST).await?;
        say::line(&format!("Products: {} in the catalogue, {} new", imported.rows, imported.created))
    }

    async fn stock(&self, history: &History) -> anyhow::Result<()> {
        let sizes = self.scale.sizes();
        let demand = history.demand();
        let mut by_supplier: HashMap<String, Vec<ReceiptLineInput>> = HashMap::new();
        for (n, wanted) in (0..).zip(demand) {
            let good = goods::good(SEED, &sizes, n);
            let supplier = good.supplier.map_or_else(|| "OWN-PLANT".to_owned(), goods::supplier_code);
            let lots = goods::lots(SEED, n, &good, wanted, self.last_day);
            by_supplier.entry(supplier).or_default().extend(lots.into_iter().map(|lot| ReceiptLineInput {
                sku: good.sku.clone(),
                quantity: Some(pieces(lot.pieces)),
                supplier_lot: String::new(),
                lot: lot.number,
                expires_on: lot.expires_on.map(|day| day.to_string()).unwrap_or_default(),
                cost: Some(Cost::UnitCost(money(self.currency, good.unit_cost))),
            }));
        }
        let mut deliveries: Vec<_> =
            by_supplier.into_iter().map(|(supplier, lines)| Delivery { supplier, lines }).collect();
        deliveries.sort_by(|a, b| a.supplier.cmp(&b.supplier));
        let lines = deliveries.iter().map(|d| d.lines.len() as u64).sum();
        let mut progress = Progress::new("Stock received, lots", lines);
        let opening = (self.last_day - Duration::days(DAYS)).midnight().assume_utc();
        stock::receive(self.staff, deliveries, opening, &mut progress).await?;
        progress.end()
    }

    /// Pushes the orders of a window and lets them end as they ended.
    async fn window(&self, history: &History, from: u64, to: u64, loaded: &mut Loaded) -> anyhow::Result<()> {
        let orders: Vec<Order> = (from..to).map(|n| history.order(n)).collect();
        let inputs = orders.iter().map(|order| self.input(order));
        let what =
            if history.len() > WINDOW { format!("Orders pushed, from {from}") } else { "Orders pushed".to_owned() };
        let mut progress = Progress::new(&what, to - from);
        let pushed = intake::push_orders(self.shop, inputs, &mut progress).await?;
        progress.end()?;
        let mut known = Vec::with_capacity(orders.len());
        for order in &orders {
            match pushed.get(&order.external_id) {
                Some(Pushed::Taken(taken)) => {
                    loaded.orders += 1;
                    loaded.held += u64::from(!taken.hold_reasons.is_empty());
                    known.push((order, taken.order_id.as_str()));
                }
                Some(Pushed::Refused(why)) if loaded.refused == 0 => {
                    loaded.refused += 1;
                    say::line(&format!("Order {} was refused: {why}", order.external_id))?;
                }
                _ => loaded.refused += 1,
            }
        }
        quiet::wait(self.staff).await?;
        self.each(&known, Ending::Cancelled, |order, id| async move {
            let at = (order.placed_at + Duration::hours(3)).min(self.now);
            accept(fulfilment::cancel(self.staff, &id, "buyer_request", at).await)
        })
        .await?;
        self.ship(&known).await?;
        quiet::wait(self.staff).await?;
        self.each(&known, Ending::Returned, |order, id| async move {
            let back = TakeBack {
                request_id: content_id("return", [id.as_str()]),
                order_id: id,
                lines: vec![(1, 1)],
                reason: "not_fitting",
                shipped: true,
                at: (order.placed_at + Duration::days(12)).min(self.now),
            };
            // An order that still waits for goods has nothing to bring back.
            back.run(self.staff).await.map(drop)
        })
        .await?;
        quiet::wait(self.staff).await.map(drop)
    }

    async fn ship(&self, known: &[(&Order, &str)]) -> anyhow::Result<()> {
        let leaving = |ending| matches!(ending, Ending::Delivered | Ending::Returned | Ending::Refused);
        let due: Vec<_> = known
            .iter()
            .filter(|(order, _)| leaving(order.ending))
            .map(|(order, id)| ((*id).to_owned(), order.placed_at))
            .collect();
        let by_id: HashMap<&str, &Order> = known.iter().map(|(order, id)| (*id, *order)).collect();
        let mut progress = Progress::new("Orders shipped", due.len() as u64);
        let left = fulfilment::ship(self.staff, &due, COLLECT_DAYS, self.now, &mut progress).await?;
        progress.end()?;
        let (mut delivered, mut refused) = (Vec::new(), Vec::new());
        for parcel in left {
            let Some(order) = by_id.get(parcel.order_id.as_str()) else {
                bail!("erp shipped an order nobody asked for")
            };
            for shipment in parcel.shipments {
                if order.ending == Ending::Refused {
                    refused.push(shipment);
                } else {
                    delivered.push((shipment, order.placed_at));
                }
            }
        }
        let mut progress = Progress::new("Shipments delivered", delivered.len() as u64);
        fulfilment::deliver(self.staff, &delivered, COLLECT_DAYS, self.now, &mut progress).await?;
        progress.end()?;
        futures::stream::iter(refused)
            .map(|shipment| async move { accept(fulfilment::refuse(self.staff, &shipment).await) })
            .buffer_unordered(IN_FLIGHT)
            .try_for_each(|()| async { Ok(()) })
            .await
    }

    async fn each<'o, F, Fut>(&self, known: &[(&'o Order, &str)], ending: Ending, work: F) -> anyhow::Result<()>
    where
        F: Fn(&'o Order, String) -> Fut,
        Fut: Future<Output = anyhow::Result<()>>,
    {
        let chosen = known.iter().filter(|(order, _)| order.ending == ending);
        futures::stream::iter(chosen.map(|(order, id)| work(order, (*id).to_owned())))
            .buffer_unordered(IN_FLIGHT)
            .try_for_each(|()| async { Ok(()) })
            .await
    }

    fn input(&self, order: &Order) -> OrderInput {
        let sizes = self.scale.sizes();
        let customer = people::customer(SEED, order.customer);
        let lines = order
            .lines
            .iter()
            .map(|line| {
                let good = goods::good(SEED, &sizes, line.good);
                OrderLineInput {
                    kind: LineKind::Goods.into(),
                    quantity: Some(pieces(line.pieces)),
                    unit_price: Some(money(self.currency, good.price)),
                    discount: (!line.discount.is_zero()).then(|| money(self.currency, line.discount)),
                    line_total: Some(money(self.currency, line.total(&good))),
                    sku: good.sku,
                    ..OrderLineInput::default()
                }
            })
            .collect();
        OrderInput {
            channel: CHANNEL.to_owned(),
            external_id: order.external_id.clone(),
            placed_at: Some(proto::to_timestamp(order.placed_at.min(self.now))),
            currency: self.currency.to_owned(),
            lines,
            delivery: Some(DeliveryInput {
                method: order.delivery_method.to_owned(),
                region: customer.region.to_owned(),
                address: customer.address,
                ..DeliveryInput::default()
            }),
            payment_method: order.payment_method.to_owned(),
            buyer: Some(BuyerInput {
                name: customer.name,
                phone: customer.phone,
                email: customer.email.unwrap_or_default(),
                external_customer_id: String::new(),
            }),
            prices_include_tax: Some(true),
            ..OrderInput::default()
        }
    }
}

/// A business refusal is no reason to stop loading: the history asks for what stock and state allow.
fn accept(result: anyhow::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) => match error.downcast_ref::<crate::client::api::ApiError>() {
            Some(refusal) if (400..500).contains(&refusal.status) => Ok(()),
            _ => Err(error),
        },
        ok => ok,
    }
}

fn row(good: &Good) -> String {
    format!(
        "{},{},{},{},pcs,{},22,{},active,{}",
        csv_field(&good.sku),
        csv_field(&good.name),
        csv_field(&good.brand),
        csv_field(&good.category),
        good.barcode,
        good.weight_grams,
        good.price
    )
}
