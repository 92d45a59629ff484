//! Random pasts of an item: everything may happen at any day, prices are corrected and landed cost comes late. The oracle
//! keeps the bare list of what happened and adds it all up again, in whole kopecks, for every question.
//!
//! `SHOPFLOOR_ERP_SEQUENCES` says how many lives (60 unless told), `SHOPFLOOR_ERP_SEED` which one comes first.

use std::collections::BTreeMap;

use futures::{StreamExt as _, stream};
use proto::{
    erp::v1::{
        AdjustStockRequest, AdjustmentKind, ChargeBasis, ChargeInput, ChargeKind, CorrectReceiptCostRequest,
        GetShipmentRequest, GetStockAsOfRequest, ItemInput, LandedLineInput, PostLandedCostRequest, PostReceiptRequest,
        ReceiptLineInput, SetValuationMethodRequest, TransferLine, TransferStockRequest, UpsertItemsRequest,
        UpsertWarehouseRequest, ValuationMethod, receipt_line_input::Cost,
    },
    orders::v1::ReturnOutcome,
};
use rust_decimal::Decimal;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    kit::{Erp, amount, key, line, pcs, reason, returned, rub},
    model::{Dice, setting},
};

/// Days before now at which the book begins; the last day is now.
const DAYS: i64 = 30;
const LOTS: [&str; 3] = ["a", "b", "c"];
const HOUSES: [&str; 2] = ["MAIN", "SPB"];

#[derive(Clone, Copy, PartialEq, Debug)]
enum Way {
    Lot,
    Average,
    Fifo,
}

#[derive(Clone, Debug)]
enum What {
    /// Quantity, kopecks.
    In(i64, i64),
    Out(i64),
    Found(i64),
    /// To the other warehouse.
    Over(i64),
    /// Out to a buyer; the number of the shipment's line.
    Sent(i64, usize),
    /// Back from one.
    Back(i64, usize),
}

#[derive(Clone, Debug)]
struct Happened {
    day: i64,
    house: usize,
    lot: usize,
    what: What,
}

/// What the list adds up to.
#[derive(Default)]
struct Sum {
    /// Pieces by warehouse and lot.
    there: BTreeMap<(usize, usize), i64>,
    /// Pieces and kopecks by warehouse and pool, oldest first.
    piles: BTreeMap<(usize, usize), Vec<(i64, i64)>>,
    /// Pieces and kopecks that are with buyers, and what left in all, by line.
    sent: BTreeMap<usize, (i64, i64, i64)>,
    last: BTreeMap<usize, Decimal>,
    negative: bool,
}

fn kopecks(value: i64) -> String {
    format!("{}{}.{:02}", if value < 0 { "-" } else { "" }, value.abs() / 100, value.abs() % 100)
}

fn part(pile: (i64, i64), quantity: i64) -> i64 {
    if quantity >= pile.0 { pile.1 } else { (2 * pile.1 * quantity + pile.0) / (2 * pile.0) }
}

impl Sum {
    fn of(way: Way, list: &[Happened], until: i64) -> Self {
        let mut order: Vec<&Happened> = list.iter().filter(|one| one.day <= until).collect();
        order.sort_by_key(|one| one.day);
        let mut sum = Self::default();
        for one in order {
            sum.add(way, one);
            if sum.negative {
                break;
            }
        }
        sum
    }

    fn add(&mut self, way: Way, one: &Happened) {
        let pool = |house| (house, if way == Way::Average { 9 } else { one.lot });
        match one.what {
            What::In(quantity, cost) => {
                let unit = (Decimal::new(cost, 2) / Decimal::from(quantity)).round_dp(8);
                self.last.insert(one.lot, unit);
                self.put(way, pool(one.house), (one.house, one.lot), (quantity, cost));
            }
            What::Found(quantity) => {
                let pile = self.piles.get(&pool(one.house)).into_iter().flatten();
                let all = pile.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
                let last = self.last.get(&one.lot).copied().unwrap_or_default();
                let cost = if all.0 > 0 {
                    (2 * all.1 * quantity + all.0) / (2 * all.0)
                } else {
                    let exact = types::round_half_away(last * Decimal::from(quantity), 2);
                    (exact * Decimal::from(100)).try_into().unwrap()
                };
                self.put(way, pool(one.house), (one.house, one.lot), (quantity, cost));
            }
            What::Out(quantity) => drop(self.take(pool(one.house), (one.house, one.lot), quantity)),
            What::Over(quantity) => {
                let cost = self.take(pool(one.house), (one.house, one.lot), quantity);
                let other = 1 - one.house;
                self.put(way, pool(other), (other, one.lot), (quantity, cost));
            }
            What::Sent(quantity, n) => {
                let cost = self.take(pool(one.house), (one.house, one.lot), quantity);
                self.sent.insert(n, (quantity, cost, cost));
            }
            What::Back(quantity, n) => {
                let Some(sent) = self.sent.get_mut(&n) else { return };
                let cost = part((sent.0, sent.1), quantity);
                (sent.0, sent.1) = (sent.0 - quantity, sent.1 - cost);
                self.put(way, pool(one.house), (one.house, one.lot), (quantity, cost));
            }
        }
    }

    fn put(&mut self, way: Way, pool: (usize, usize), at: (usize, usize), goods: (i64, i64)) {
        *self.there.entry(at).or_default() += goods.0;
        let pile = self.piles.entry(pool).or_default();
        match pile.last_mut() {
            Some(last) if way != Way::Fifo => *last = (last.0 + goods.0, last.1 + goods.1),
            _ => pile.push(goods),
        }
    }

    fn take(&mut self, pool: (usize, usize), at: (usize, usize), mut quantity: i64) -> i64 {
        let there = self.there.entry(at).or_default();
        *there -= quantity;
        if *there < 0 {
            self.negative = true;
            return 0;
        }
        let pile = self.piles.entry(pool).or_default();
        let mut cost = 0;
        while quantity > 0 {
            let some = quantity.min(pile[0].0);
            let of_some = part(pile[0], some);
            pile[0] = (pile[0].0 - some, pile[0].1 - of_some);
            if pile[0].0 == 0 {
                pile.remove(0);
            }
            (quantity, cost) = (quantity - some, cost + of_some);
        }
        cost
    }

    fn house(&self, house: usize) -> (i64, i64) {
        let piles = self.piles.range((house, 0)..=(house, 99)).flat_map(|(_, pile)| pile);
        piles.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }
}

struct Life<'a> {
    erp: &'a Erp,
    sku: String,
    way: Way,
    dice: Dice,
    list: Vec<Happened>,
    /// Receipt of each price in the list, by its place there.
    receipts: Vec<(usize, String)>,
    /// Order, shipment and place in the list of each line that was sent.
    sent: Vec<(Uuid, String, usize)>,
    orders: i64,
}

fn moment(erp: &Erp, day: i64) -> OffsetDateTime {
    erp.now() - Duration::days(DAYS - day)
}

impl Life<'_> {
    fn now(&self) -> Sum {
        Sum::of(self.way, &self.list, DAYS)
    }

    /// A day, and how a request names it: now is named by nothing.
    fn day(&mut self) -> (i64, Option<prost_types::Timestamp>) {
        let day = if self.dice.roll(2) == 0 { DAYS } else { self.dice.roll(DAYS as u64) };
        (day, (day < DAYS).then(|| proto::to_timestamp(moment(self.erp, day))))
    }

    /// Whether something more would have left less than nothing at some moment.
    fn impossible(&self, one: &Happened) -> bool {
        let mut list = self.list.clone();
        list.push(one.clone());
        Sum::of(self.way, &list, DAYS).negative
    }

    async fn step(&mut self) {
        match self.dice.roll(14) {
            0..=4 => self.receive().await,
            5 => self.write_off().await,
            6 => self.count().await,
            7 | 8 => self.transfer().await,
            9 | 10 => self.sell().await,
            11 => self.take_back().await,
            12 => self.correct_price().await,
            _ => self.land().await,
        }
    }

    async fn receive(&mut self) {
        let (day, received_at) = self.day();
        let (lot, quantity, cost) = (self.dice.index(3), 1 + self.dice.roll(9), self.dice.roll(100_000));
        let house = self.dice.index(2);
        let line = ReceiptLineInput {
            sku: self.sku.clone(),
            quantity: pcs(quantity),
            cost: Some(Cost::LineCost(rub(kopecks(cost)).unwrap())),
            lot: LOTS[lot].into(),
            ..ReceiptLineInput::default()
        };
        let (request_id, warehouse) = (key(), HOUSES[house].into());
        let request = PostReceiptRequest {
            request_id,
            warehouse,
            lines: vec![line],
            received_at,
            ..PostReceiptRequest::default()
        };
        let receipt = self.erp.receipts().post_receipt(request).await.unwrap().into_inner().receipt.unwrap();
        self.receipts.push((self.list.len(), receipt.receipt_id));
        self.list.push(Happened { day, house, lot, what: What::In(quantity, cost) });
    }

    async fn adjust(
        &mut self,
        kind: AdjustmentKind,
        at: (usize, usize),
        quantity: i64,
        day: Option<prost_types::Timestamp>,
    ) -> String {
        let request = AdjustStockRequest {
            request_id: key(),
            warehouse: HOUSES[at.0].into(),
            sku: self.sku.clone(),
            lot: LOTS[at.1].into(),
            kind: kind.into(),
            quantity: pcs(quantity),
            reason: "model".into(),
            moved_at: day,
            ..AdjustStockRequest::default()
        };
        match self.erp.stock().adjust_stock(request).await {
            Ok(_) => String::new(),
            Err(refused) => reason(&refused),
        }
    }

    /// What must become of taking something out.
    fn expected(&self, one: &Happened, quantity: i64) -> &'static str {
        let there = self.now().there.get(&(one.house, one.lot)).copied().unwrap_or(0);
        if there < quantity {
            "NOT_ENOUGH_STOCK"
        } else if self.impossible(one) {
            "PAST_WOULD_BE_NEGATIVE"
        } else {
            ""
        }
    }

    fn known(&self, lot: usize) -> bool {
        self.list.iter().any(|one| one.lot == lot)
    }

    async fn write_off(&mut self) {
        let ((day, at), quantity) = (self.day(), 1 + self.dice.roll(4));
        let one = Happened { day, house: self.dice.index(2), lot: self.dice.index(3), what: What::Out(quantity) };
        if !self.known(one.lot) {
            return;
        }
        let done = self.adjust(AdjustmentKind::WriteOff, (one.house, one.lot), quantity, at).await;
        assert_eq!(done, self.expected(&one, quantity), "{one:?} of {:#?}", self.list);
        if done.is_empty() {
            self.list.push(one);
        }
    }

    async fn count(&mut self) {
        let ((day, at), difference) = (self.day(), self.dice.roll(5) - 2);
        let (house, lot) = (self.dice.index(2), self.dice.index(3));
        let then = Sum::of(self.way, &self.list, day).there.get(&(house, lot)).copied().unwrap_or(0);
        if !self.known(lot) || then + difference < 0 || difference == 0 {
            return;
        }
        let what = if difference > 0 { What::Found(difference) } else { What::Out(-difference) };
        let one = Happened { day, house, lot, what };
        let done = self.adjust(AdjustmentKind::Count, (house, lot), then + difference, at).await;
        assert_eq!(done, self.expected(&one, -difference), "{one:?} of {:#?}", self.list);
        if done.is_empty() {
            self.list.push(one);
        }
    }

    async fn transfer(&mut self) {
        let ((day, moved_at), quantity) = (self.day(), 1 + self.dice.roll(5));
        let one = Happened { day, house: self.dice.index(2), lot: self.dice.index(3), what: What::Over(quantity) };
        if !self.known(one.lot) {
            return;
        }
        let place = |house: usize| format!("{}/DEFAULT", HOUSES[house]);
        let lines = vec![TransferLine { sku: self.sku.clone(), lot: LOTS[one.lot].into(), quantity: pcs(quantity) }];
        let (from_place, to_place) = (place(one.house), place(1 - one.house));
        let reason_text = String::new();
        let request =
            TransferStockRequest { request_id: key(), from_place, to_place, lines, reason: reason_text, moved_at };
        let done = match self.erp.stock().transfer_stock(request).await {
            Ok(_) => String::new(),
            Err(refused) => reason(&refused),
        };
        assert_eq!(done, self.expected(&one, quantity), "{one:?} of {:#?}", self.list);
        if done.is_empty() {
            self.list.push(one);
        }
    }

    async fn sell(&mut self) {
        let quantity = 1 + self.dice.roll(6);
        let there: i64 = self.now().there.iter().filter(|((house, _), _)| *house == 0).map(|(_, there)| there).sum();
        if there < quantity {
            return;
        }
        self.orders += 1;
        let id = self.erp.place(self.orders, vec![line(1, &self.sku, quantity)]).await;
        let done = self.erp.ship(id).await;
        for shipment_id in done.shipment_ids {
            for line in self.lines(&shipment_id).await {
                let lot = LOTS.iter().position(|lot| *lot == line.0).unwrap();
                let what = What::Sent(line.1, self.sent.len());
                self.sent.push((id, shipment_id.clone(), self.list.len()));
                self.list.push(Happened { day: DAYS, house: 0, lot, what });
            }
        }
    }

    /// Lot, quantity and cost of a shipment's lines.
    async fn lines(&self, shipment: &str) -> Vec<(String, i64, String)> {
        let request = GetShipmentRequest { shipment_id: shipment.into() };
        let found = self.erp.fulfilment().get_shipment(request).await.unwrap().into_inner().shipment.unwrap();
        found
            .lines
            .into_iter()
            .map(|line| (line.lot, line.quantity.unwrap().value.parse().unwrap(), amount(&line.cost)))
            .collect()
    }

    async fn take_back(&mut self) {
        if self.sent.is_empty() {
            return;
        }
        let n = self.dice.index(self.sent.len());
        let (order, ..) = self.sent[n].clone();
        let sum = self.now();
        // Goods of an order come back line by line, the first lot first.
        let Some(n) = (0..self.sent.len()).find(|n| self.sent[*n].0 == order && sum.sent[n].0 > 0) else { return };
        let quantity = 1 + self.dice.roll(sum.sent[&n].0 as u64);
        self.erp.deliver(&[returned(order, &[(1, &self.sku, quantity)], ReturnOutcome::Restock)]).await;
        let Happened { house, lot, .. } = self.list[self.sent[n].2];
        self.list.push(Happened { day: DAYS, house, lot, what: What::Back(quantity, n) });
    }

    async fn correct_price(&mut self) {
        if self.receipts.is_empty() {
            return;
        }
        let (n, cost) = (self.dice.index(self.receipts.len()), self.dice.roll(100_000));
        let (index, receipt_id) = self.receipts[n].clone();
        // Landed cost stays on top of the price.
        let landed: i64 = match &self.list[index].what {
            What::In(_, now) => now - self.price(&receipt_id).await,
            _ => unreachable!(),
        };
        let request = CorrectReceiptCostRequest {
            request_id: key(),
            receipt_id,
            line_no: 1,
            line_cost: rub(kopecks(cost)),
            reason: "model".into(),
        };
        self.erp.valuation().correct_receipt_cost(request).await.unwrap();
        if let What::In(_, now) = &mut self.list[index].what {
            *now = cost + landed;
        }
    }

    /// A receipt's price by the entries in the book, landed cost aside.
    async fn price(&self, receipt: &str) -> i64 {
        let price: Decimal = sqlx::query_scalar(
            "select sum(m.value) from stock_move m join receipt_line l on l.move_id in (m.id, m.corrects)
             where l.receipt_id = $1 and m.cause_kind in ('receipt', 'cost_correction')",
        )
        .bind(receipt.parse::<Uuid>().unwrap())
        .fetch_one(self.erp.app.db.pool())
        .await
        .unwrap();
        (price * Decimal::from(100)).try_into().unwrap()
    }

    async fn land(&mut self) {
        if self.receipts.is_empty() {
            return;
        }
        let (n, cost) = (self.dice.index(self.receipts.len()), 1 + self.dice.roll(50_000));
        let (index, receipt_id) = self.receipts[n].clone();
        let charge = ChargeInput {
            kind: ChargeKind::Freight.into(),
            basis: ChargeBasis::Quantity.into(),
            amount: rub(kopecks(cost)),
            ..ChargeInput::default()
        };
        let line = LandedLineInput { receipt_id, line_no: 1, ..LandedLineInput::default() };
        let (charges, lines) = (vec![charge], vec![line]);
        let request = PostLandedCostRequest { request_id: key(), charges, lines, ..PostLandedCostRequest::default() };
        self.erp.landed_costs().post_landed_cost(request).await.unwrap();
        if let What::In(_, now) = &mut self.list[index].what {
            *now += cost;
        }
    }

    /// Stock and worth at a day, and what every sale costs by now.
    async fn compare(&self, day: i64) {
        let sum = Sum::of(self.way, &self.list, day);
        let at = Some(proto::to_timestamp(moment(self.erp, day)));
        let request = GetStockAsOfRequest { sku: self.sku.clone(), at };
        let found = self.erp.valuation().get_stock_as_of(request).await.unwrap().into_inner();
        let houses: BTreeMap<_, _> =
            found.warehouses.into_iter().map(|one| (one.warehouse, (one.on_hand, amount(&one.value)))).collect();
        let expected: BTreeMap<_, _> = (0..2)
            .map(|house| (HOUSES[house].to_owned(), sum.house(house)))
            .filter(|(_, all)| *all != (0, 0))
            .map(|(house, all)| (house, (all.0.to_string(), kopecks(all.1))))
            .collect();
        assert_eq!(houses, expected, "{:?} at {day}: {:#?}", self.way, self.list);
        let lots: BTreeMap<_, _> = found.lots.into_iter().map(|lot| ((lot.place, lot.lot), lot.on_hand)).collect();
        let there = sum.there.iter().filter(|(_, there)| **there != 0);
        let expected: BTreeMap<_, _> = there
            .map(|((house, lot), there)| {
                ((format!("{}/DEFAULT", HOUSES[*house]), LOTS[*lot].to_owned()), there.to_string())
            })
            .collect();
        assert_eq!(lots, expected, "{:?} at {day}: {:#?}", self.way, self.list);
        if day < DAYS {
            return;
        }
        let worth: i64 = (0..2).map(|house| sum.house(house).1).sum();
        assert_eq!(self.erp.worth(&self.sku).await, kopecks(worth));
        for (n, (_, shipment, index)) in self.sent.iter().enumerate() {
            let lot = LOTS[self.list[*index].lot];
            let lines = self.lines(shipment).await;
            let line = lines.iter().find(|line| line.0 == lot).unwrap();
            assert_eq!(line.2, kopecks(sum.sent[&n].2), "{:#?}", self.list);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_pasts_agree_with_the_oracle_at_every_moment() {
    let erp = Erp::start().await;
    let request = UpsertWarehouseRequest { code: "SPB".into(), name: "SPB".into(), min_life_days: 0 };
    erp.warehouses().upsert_warehouse(request).await.unwrap();
    for (category, method) in [("average", ValuationMethod::Average), ("fifo", ValuationMethod::Fifo)] {
        let request = SetValuationMethodRequest {
            request_id: key(),
            category: category.into(),
            method: method.into(),
            at: None,
            reason: "model".into(),
        };
        erp.valuation().set_valuation_method(request).await.unwrap();
    }
    let first = setting("SHOPFLOOR_ERP_SEED", 1);
    let seeds = first..first + setting("SHOPFLOOR_ERP_SEQUENCES", 60);
    stream::iter(seeds)
        .for_each_concurrent(6, async |seed| {
            let (category, way) =
                [("", Way::Lot), ("average", Way::Average), ("fifo", Way::Fifo)][usize::try_from(seed % 3).unwrap()];
            let sku = format!("PAST-{seed}");
            let (unit, category) = ("pcs".into(), category.into());
            let item = ItemInput { sku: sku.clone(), unit, category, ..ItemInput::default() };
            erp.items().upsert_items(UpsertItemsRequest { request_id: key(), items: vec![item] }).await.unwrap();
            let (list, receipts, sent) = (Vec::new(), Vec::new(), Vec::new());
            let mut life = Life { erp: &erp, sku, way, dice: Dice::new(seed * 7919), list, receipts, sent, orders: 0 };
            for _ in 0..16 {
                life.step().await;
            }
            for day in [DAYS, DAYS - 1, life.dice.roll(DAYS as u64), life.dice.roll(DAYS as u64)] {
                life.compare(day).await;
            }
        })
        .await;
    erp.balanced().await;
}
