#![doc = "Brings the demo company in through the public API, window by window, so that any size fits in memory."]

use std::collections::{HashMap, HashSet};

use anyhow::bail;
use futures::{StreamExt as _, TryStreamExt as _};
use proto::erp::v1::ReceiptLineInput;
use proto::erp::v1::receipt_line_input::Cost;
use proto::orders::v1::{
    BuyerInput, DeliveryInput, LineKind, OrderInput, OrderLineInput, PutChannelRequest, PutPriceListRequest,
    TaxRounding,
};
use rust_decimal::Decimal;
use time::{Date, Duration, OffsetDateTime};

use super::goods::{self, Good};
use super::history::{DAYS, Ending, History, Order};
use super::paying::{self, Paying};
use super::scale::Scale;
use super::{making, people};
use crate::bulk::fulfilment::{self, TakeBack};
use crate::bulk::intake::{self, Pushed, csv_field};
use crate::bulk::payments::{self, Movement};
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
    /// Payments recorded.
    pub payments: u64,
    /// Refunds recorded.
    pub refunds: u64,
}

impl Company<'_> {
    /// Loads goods, stock, recipes and the whole history.
    pub async fn load(&self) -> anyhow::Result<Loaded> {
        let history = History::new(SEED, self.scale.sizes(), self.last_day);
        self.goods().await?;
        quiet::wait(self.staff).await?;
        self.stock(&history).await?;
        let opening = self.last_day - Duration::days(DAYS);
        making::load(self.staff, self.currency, SEED, (opening, self.last_day)).await?;
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
        let count = goods::count(&sizes);
        let mut progress = Progress::new("Products sent", count);
        let rows = (0..count).map(|n| row(&goods::good(SEED, &sizes, n))).inspect(|_| drop(progress.add(1)));
        let heading = "sku,name_ru,brand,category,unit,barcodes,vat_rate,weight_grams,status,price";
        let imported = intake::import_products(self.staff, heading, rows, PRICE_LIST).await?;
        progress.end()?;
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
                lot: lot.number,
                expires_on: lot.expires_on.map(|day| day.to_string()).unwrap_or_default(),
                cost: Some(Cost::UnitCost(money(self.currency, good.unit_cost))),
                ..ReceiptLineInput::default()
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

    /// Pushes the orders of a window and lets them be paid and end as they ended.
    async fn window(&self, history: &History, from: u64, to: u64, loaded: &mut Loaded) -> anyhow::Result<()> {
        let orders: Vec<Order> = (from..to).map(|n| history.order(n)).collect();
        let known = self.push(&orders, (from, history.len()), loaded).await?;
        let before: Vec<_> = known.iter().filter_map(Known::paid_before).collect();
        let mut paid = self.pay("Payments recorded", self.shop, before, loaded).await?;
        quiet::wait(self.staff).await?;
        let cancelled = self.each(&known, Ending::Cancelled, |one| async move {
            let at = (one.order.placed_at + Duration::hours(3)).min(self.now);
            let done = accept(fulfilment::cancel(self.staff, &one.id, "buyer_request", at).await)?;
            Ok(done.then(|| one.refund("cancelled", at + Duration::HOUR)).flatten())
        });
        let mut refunds = cancelled.await?;
        let (at_the_door, refused) = self.ship(&known).await?;
        paid.extend(self.pay("Cash on delivery recorded", self.staff, at_the_door, loaded).await?);
        refunds.extend(refused);
        quiet::wait(self.staff).await?;
        let returned = self.each(&known, Ending::Returned, |one| async move {
            let at = (one.order.placed_at + Duration::days(12)).min(self.now);
            let back = TakeBack {
                request_id: content_id("return", [one.id.as_str()]),
                order_id: one.id.clone(),
                lines: vec![(1, 1)],
                reason: "not_fitting",
                shipped: true,
                at,
            };
            // An order that still waits for goods has nothing to bring back.
            let back = back.run(self.staff).await?;
            Ok(back.ok().and_then(|back| one.refund_of(back.amount, "returned", at + Duration::DAY)))
        });
        refunds.extend(returned.await?);
        let (now, before) = (self.now, loaded.payments);
        // Who has not paid yet, because the money lies in the future or a part of the goods is still missing, gets none.
        let refunds = refunds.into_iter().filter(|refund| paid.contains(&refund.order_id));
        let refunds = refunds.map(|refund| Movement { at: refund.at.min(now), ..refund });
        self.pay("Refunds recorded", self.staff, refunds, loaded).await?;
        (loaded.refunds, loaded.payments) = (loaded.refunds + loaded.payments - before, before);
        quiet::wait(self.staff).await.map(drop)
    }

    /// Pushes the orders of a window that begins with number `from`, of `all`.
    async fn push<'o>(
        &self,
        orders: &'o [Order],
        (from, all): (u64, u64),
        loaded: &mut Loaded,
    ) -> anyhow::Result<Vec<Known<'o>>> {
        let inputs = orders.iter().map(|order| self.input(order));
        let what = if all > WINDOW { format!("Orders pushed, from {from}") } else { "Orders pushed".to_owned() };
        let mut progress = Progress::new(&what, orders.len() as u64);
        let pushed = intake::push_orders(self.shop, inputs, &mut progress).await?;
        progress.end()?;
        let mut known = Vec::with_capacity(orders.len());
        for (n, order) in (from..).zip(orders) {
            match pushed.get(&order.external_id) {
                Some(Pushed::Taken(taken)) => {
                    loaded.orders += 1;
                    loaded.held += u64::from(!taken.hold_reasons.is_empty());
                    let (id, total) = (taken.order_id.clone(), taken.total.parse()?);
                    known.push(Known { order, id, total, paying: paying::of(SEED, n, order) });
                }
                Some(Pushed::Refused(why)) if loaded.refused == 0 => {
                    loaded.refused += 1;
                    say::line(&format!("Order {} was refused: {why}", order.external_id))?;
                }
                _ => loaded.refused += 1,
            }
        }
        Ok(known)
    }

    /// Records money; what lies in the future has not moved yet. Returns the orders whose money has moved.
    async fn pay(
        &self,
        what: &str,
        api: &Api,
        movements: impl IntoIterator<Item = Movement>,
        loaded: &mut Loaded,
    ) -> anyhow::Result<HashSet<String>> {
        let movements: Vec<_> = movements.into_iter().filter(|movement| movement.at <= self.now).collect();
        let orders = movements.iter().map(|movement| movement.order_id.clone()).collect();
        let mut progress = Progress::new(what, movements.len() as u64);
        loaded.payments += payments::record(api, self.currency, movements, &mut progress).await?;
        progress.end()?;
        Ok(orders)
    }

    /// Ships and delivers. Returns what couriers were paid, and what goes back to those who refused.
    async fn ship(&self, known: &[Known<'_>]) -> anyhow::Result<(Vec<Movement>, Vec<Movement>)> {
        let leaving = |ending| matches!(ending, Ending::Delivered | Ending::Returned | Ending::Refused);
        let due = known.iter().filter(|one| leaving(one.order.ending));
        let due: Vec<_> = due.map(|one| (one.id.clone(), one.order.placed_at)).collect();
        let by_id: HashMap<&str, &Known<'_>> = known.iter().map(|one| (one.id.as_str(), one)).collect();
        let mut progress = Progress::new("Orders shipped", due.len() as u64);
        let left = fulfilment::ship(self.staff, &due, COLLECT_DAYS, self.now, &mut progress).await?;
        progress.end()?;
        let (mut delivered, mut refused) = (Vec::new(), Vec::new());
        let (mut at_the_door, mut back) = (Vec::new(), Vec::new());
        for parcel in left {
            let Some(one) = by_id.get(parcel.order_id.as_str()) else { bail!("erp shipped an order nobody asked for") };
            if one.order.ending == Ending::Refused {
                back.extend(one.refund("refused", one.order.placed_at + Duration::days(9)));
                refused.extend(parcel.shipments);
            } else {
                // Who still waits for a part keeps the money until it comes.
                at_the_door.extend(parcel.complete.then(|| one.paid_at_the_door(self.now)).flatten());
                delivered.extend(parcel.shipments.into_iter().map(|shipment| (shipment, one.order.placed_at)));
            }
        }
        let mut progress = Progress::new("Shipments delivered", delivered.len() as u64);
        fulfilment::deliver(self.staff, &delivered, COLLECT_DAYS, self.now, &mut progress).await?;
        progress.end()?;
        futures::stream::iter(refused)
            .map(|shipment| async move { accept(fulfilment::refuse(self.staff, &shipment).await).map(drop) })
            .buffer_unordered(IN_FLIGHT)
            .try_for_each(|()| async { Ok(()) })
            .await?;
        Ok((at_the_door, back))
    }

    /// Does something with all orders of an ending, and gathers what goes back to the buyers.
    async fn each<'k, 'o: 'k, F, Fut>(
        &self,
        known: &'k [Known<'o>],
        ending: Ending,
        work: F,
    ) -> anyhow::Result<Vec<Movement>>
    where
        F: Fn(&'k Known<'o>) -> Fut,
        Fut: Future<Output = anyhow::Result<Option<Movement>>>,
    {
        let chosen = known.iter().filter(|one| one.order.ending == ending);
        let done: Vec<_> = futures::stream::iter(chosen.map(work)).buffer_unordered(IN_FLIGHT).try_collect().await?;
        Ok(done.into_iter().flatten().collect())
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

/// An order the suite has taken.
struct Known<'a> {
    order: &'a Order,
    id: String,
    total: Decimal,
    paying: Paying,
}

impl Known<'_> {
    fn movement(&self, purpose: &'static str, amount: Decimal, at: OffsetDateTime, refund: &'static str) -> Movement {
        let method = self.order.payment_method;
        let provider = match method {
            "card" => ("demo-pay", format!("{purpose}-{}", self.order.external_id)),
            _ => ("", String::new()),
        };
        Movement { order_id: self.id.clone(), method, amount, at, provider, refund }
    }

    fn paid_before(&self) -> Option<Movement> {
        let (at, amount) = self.paying.before(self.total)?;
        Some(self.movement("payment", amount, at, ""))
    }

    /// What the courier brought, three days after the order, at the latest now.
    fn paid_at_the_door(&self, now: OffsetDateTime) -> Option<Movement> {
        let at = (self.order.placed_at + Duration::days(3)).min(now);
        (self.paying == Paying::AtTheDoor).then(|| self.movement("payment", self.total, at, ""))
    }

    /// All that was paid beforehand goes back.
    fn refund(&self, why: &'static str, at: OffsetDateTime) -> Option<Movement> {
        let (_, amount) = self.paying.before(self.total)?;
        Some(self.movement("refund", amount, at, why))
    }

    /// What came back is paid back, to those who had paid all.
    fn refund_of(&self, amount: Decimal, why: &'static str, at: OffsetDateTime) -> Option<Movement> {
        let paid = matches!(self.paying, Paying::AtTheDoor | Paying::Before { half: false, .. });
        (paid && amount > Decimal::ZERO).then(|| self.movement("refund", amount, at, why))
    }
}

/// Whether it was done. A business refusal is no reason to stop loading: the history asks for what stock and state allow.
fn accept(result: anyhow::Result<()>) -> anyhow::Result<bool> {
    match result {
        Err(error) => match error.downcast_ref::<crate::client::api::ApiError>() {
            Some(refusal) if (400..500).contains(&refusal.status) => Ok(false),
            _ => Err(error),
        },
        Ok(()) => Ok(true),
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
