//! Random lives of an item against a simple oracle in memory, written differently on purpose: whole kopecks, one piece
//! at a time, no balances beside what is told here. Every quantity, holder and value must agree to the last digit.
//!
//! `SHOPFLOOR_ERP_SEQUENCES` says how many lives (200 unless told), `SHOPFLOOR_ERP_SEED` which one comes first.

use std::{collections::BTreeMap, panic::AssertUnwindSafe};

use futures::{FutureExt as _, StreamExt as _, stream};
use proto::{
    erp::v1::{
        AdjustmentKind, CloseReservationRequest, ConfirmPickRequest, FailShipmentRequest, FailureReason, LotStatus,
        PackShipmentRequest, PickedLine, ReopenReservationRequest, ShipShipmentRequest, ShortReason,
        StartPickingRequest, TransferLine, TransferStockRequest,
    },
    orders::v1::ReturnOutcome,
};
use tonic::Code;
use uuid::Uuid;

use crate::kit::{Erp, In, amount, cancelled, goods, key, line, lines_cancelled, order, pcs, placed, returned};

/// Lots in the order in which they are given out: number and expiry. The last has expired.
const LOTS: [(&str, &str); 5] =
    [("c", "2027-01-01"), ("d", "2027-01-01"), ("a", "2028-01-01"), ("b", ""), ("e", "2026-03-01")];

/// Random numbers that are the same for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self, sides: u64) -> i64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        i64::try_from((z ^ (z >> 31)) % sides).unwrap()
    }

    pub(crate) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.roll(len as u64)).unwrap()
    }
}

#[derive(Clone, Default, Debug)]
struct Lot {
    known: bool,
    blocked: bool,
    stock: i64,
    value: i64,
    aside: i64,
    last_cost: i64,
}

/// Takes the proportional value out of a pile of kopecks.
fn take(stock: &mut i64, value: &mut i64, quantity: i64) -> i64 {
    let cost = if quantity == *stock { *value } else { (2 * *value * quantity + *stock) / (2 * *stock) };
    *stock -= quantity;
    *value -= cost;
    cost
}

impl Lot {
    /// Takes pieces of what is sold; what lies aside is worth as much a piece.
    fn take(&mut self, quantity: i64) -> i64 {
        let mut all = self.stock + self.aside;
        self.stock -= quantity;
        take(&mut all, &mut self.value, quantity)
    }

    /// What of the value is shown for what is sold and for what lies aside: whole kopecks first, the last one to whoever
    /// lost more.
    fn shown(&self) -> (i64, i64) {
        let all = self.stock + self.aside;
        if all == 0 {
            return (0, 0);
        }
        let (stock, aside) = (self.value * self.stock, self.value * self.aside);
        let rest = self.value - stock / all - aside / all;
        let to_stock = if stock % all >= aside % all { rest } else { 0 };
        (stock / all + to_stock, aside / all + rest - to_stock)
    }
}

#[derive(Clone, Debug)]
struct Sent {
    shipment: String,
    failed: bool,
    /// Lot, quantity left with the buyer, cost left with the buyer.
    lines: Vec<(usize, i64, i64)>,
}

#[derive(Clone, Debug)]
struct Order {
    id: Uuid,
    priority: i32,
    ordered: i64,
    cancelled: i64,
    shipped: i64,
    held: [i64; 5],
    state: &'static str,
    sent: Vec<Sent>,
}

impl Order {
    fn lacks(&self) -> i64 {
        self.ordered - self.cancelled - self.shipped - self.held.iter().sum::<i64>()
    }
}

#[derive(Default)]
struct World {
    lots: [Lot; 5],
    orders: Vec<Order>,
}

impl World {
    fn free(&self, lot: usize) -> i64 {
        self.lots[lot].stock - self.orders.iter().map(|order| order.held[lot]).sum::<i64>()
    }

    /// Orders in the order in which they are served: their place in the list is their time.
    fn queue(&self) -> Vec<usize> {
        let mut queue: Vec<_> = (0..self.orders.len()).collect();
        queue.sort_by_key(|n| -self.orders[*n].priority);
        queue
    }

    fn serve(&mut self) {
        for n in self.queue() {
            while self.orders[n].state == "open" && self.orders[n].lacks() > 0 {
                let Some(lot) = (0..4).find(|lot| !self.lots[*lot].blocked && self.free(*lot) > 0) else { break };
                self.orders[n].held[lot] += 1;
            }
        }
    }

    /// Takes pieces of a lot from those served last until it can hold what is left.
    fn displace(&mut self, lot: usize, may_stay: i64) {
        for n in self.queue().into_iter().rev() {
            while self.orders[n].held[lot] > 0
                && self.orders.iter().map(|order| order.held[lot]).sum::<i64>() > may_stay
            {
                self.orders[n].held[lot] -= 1;
            }
        }
    }

    fn send(&mut self, n: usize, going: [i64; 5], shipment: String) {
        let mut lines = Vec::new();
        for (lot, quantity) in going.into_iter().enumerate().filter(|(_, quantity)| *quantity > 0) {
            let pile = &mut self.lots[lot];
            lines.push((lot, quantity, pile.take(quantity)));
            self.orders[n].held[lot] -= quantity;
            self.orders[n].shipped += quantity;
        }
        self.orders[n].sent.push(Sent { shipment, failed: false, lines });
    }

    fn give_back(&mut self, n: usize, mut quantity: i64, outcome: ReturnOutcome) {
        for sent in self.orders[n].sent.iter_mut().filter(|sent| !sent.failed) {
            for (lot, left, cost) in &mut sent.lines {
                let part = quantity.min(*left);
                if part > 0 {
                    quantity -= part;
                    let value = take(left, cost, part);
                    let pile = &mut self.lots[*lot];
                    match outcome {
                        ReturnOutcome::Restock => (pile.stock, pile.value) = (pile.stock + part, pile.value + value),
                        ReturnOutcome::Repair => {
                            (pile.aside, pile.value) = (pile.aside + part, pile.value + value);
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}

/// One life: what was done, for people, and the world as it must now be.
struct Life<'a> {
    erp: &'a Erp,
    sku: String,
    dice: Dice,
    world: World,
    log: Vec<String>,
}

impl Life<'_> {
    fn note(&mut self, what: String) {
        self.log.push(what);
    }

    async fn step(&mut self) {
        let lot = self.dice.index(5);
        let some = 1 + self.dice.roll(6);
        let n = (!self.world.orders.is_empty()).then(|| self.dice.index(self.world.orders.len()));
        match (self.dice.roll(20), n) {
            (0..=3, _) => self.receive(lot, some).await,
            (4..=8, _) | (_, None) => self.place(some).await,
            (9, Some(n)) => self.cancel(n).await,
            (10, Some(n)) => self.cancel_part(n, some).await,
            (11 | 12, Some(n)) => self.ship(n).await,
            (13, Some(n)) => self.short_pick(n).await,
            (14, Some(n)) => self.fail(n).await,
            (15, Some(n)) => self.take_back(n, some).await,
            (16, _) => self.adjust(lot, some).await,
            (17, _) => self.status(lot).await,
            (18, _) => self.transfer(lot, some).await,
            (_, Some(n)) => self.close_or_reopen(n).await,
        }
        self.world.serve();
    }

    async fn receive(&mut self, lot: usize, quantity: i64) {
        let cost = self.dice.roll(100_000);
        self.note(format!("receive {quantity} of lot {lot} at {cost}"));
        let unit_cost = format!("{}.{:02}", cost / 100, cost % 100);
        let (number, expires_on) = LOTS[lot];
        self.erp.receive(&[In { expires_on, ..goods(&self.sku, quantity, &unit_cost, number) }]).await;
        let pile = &mut self.world.lots[lot];
        pile.known = true;
        pile.stock += quantity;
        pile.value += quantity * cost;
        pile.last_cost = cost;
    }

    async fn place(&mut self, quantity: i64) {
        let priority = i32::try_from(self.dice.roll(2)).unwrap();
        self.note(format!("place {quantity} with priority {priority}"));
        let id = service::new_id();
        let after = i64::try_from(self.world.orders.len()).unwrap();
        let mut one = order(id, after, vec![line(1, &self.sku, quantity)]);
        one.priority = priority;
        self.erp.deliver(&[placed(one)]).await;
        let held = [0; 5];
        let sent = Vec::new();
        self.world.orders.push(Order {
            id,
            priority,
            ordered: quantity,
            cancelled: 0,
            shipped: 0,
            held,
            state: "open",
            sent,
        });
    }

    async fn cancel(&mut self, n: usize) {
        self.note(format!("cancel {n}"));
        self.erp.deliver(&[cancelled(self.world.orders[n].id)]).await;
        let one = &mut self.world.orders[n];
        one.held = [0; 5];
        one.cancelled = one.ordered - one.shipped;
        one.state = "cancelled";
    }

    async fn cancel_part(&mut self, n: usize, quantity: i64) {
        self.note(format!("cancel {quantity} of {n}"));
        self.erp.deliver(&[lines_cancelled(self.world.orders[n].id, &[(1, &self.sku, quantity)])]).await;
        let one = &mut self.world.orders[n];
        for _ in 0..quantity {
            if one.lacks() == 0 {
                let Some(last) = one.held.iter().rposition(|held| *held > 0) else { break };
                one.held[last] -= 1;
            }
            one.cancelled += 1;
        }
    }

    async fn ship(&mut self, n: usize) {
        self.note(format!("ship {n}"));
        let going = self.world.orders[n].held;
        let done = self.erp.ship(self.world.orders[n].id).await;
        assert_eq!(done.shipment_ids.is_empty(), going == [0; 5], "{}", done.refusal);
        for shipment in done.shipment_ids {
            self.world.send(n, going, shipment);
        }
    }

    async fn short_pick(&mut self, n: usize) {
        let mut going = self.world.orders[n].held;
        let Some(lot) = going.iter().position(|held| *held > 0) else { return };
        let short = self.dice.roll(going[lot] as u64 + 1);
        let damaged = self.dice.roll(2) == 1;
        self.note(format!("pick {n}, {short} of lot {lot} short, damaged: {damaged}"));
        let mut client = self.erp.fulfilment();
        let order_id = self.world.orders[n].id.to_string();
        let request = StartPickingRequest { request_id: key(), order_id, lines: Vec::new() };
        let shipment_id = client.start_picking(request).await.unwrap().into_inner().shipment.unwrap().shipment_id;
        let reason = if damaged { ShortReason::Damaged } else { ShortReason::NotFound };
        let lines = vec![PickedLine {
            line_no: 1,
            lot: LOTS[lot].0.into(),
            picked: pcs(going[lot] - short),
            short_reason: reason.into(),
        }];
        let request = ConfirmPickRequest { request_id: key(), shipment_id: shipment_id.clone(), lines };
        client.confirm_pick(request).await.unwrap();
        going[lot] -= short;
        self.world.orders[n].held = going;
        if short > 0 {
            let pile = &mut self.world.lots[lot];
            if damaged {
                pile.stock -= short;
                pile.aside += short;
            } else {
                pile.take(short);
            }
            self.world.serve();
        }
        if going == [0; 5] {
            return;
        }
        let id = shipment_id.clone();
        let request =
            PackShipmentRequest { request_id: key(), shipment_id: id, places: 1, weight_grams: String::new() };
        client.pack_shipment(request).await.unwrap();
        let id = shipment_id.clone();
        let request = ShipShipmentRequest { request_id: key(), shipment_id: id, ..ShipShipmentRequest::default() };
        client.ship_shipment(request).await.unwrap();
        self.world.send(n, going, shipment_id);
    }

    async fn fail(&mut self, n: usize) {
        let Some(sent) = self.world.orders[n].sent.iter_mut().rev().find(|sent| !sent.failed) else { return };
        self.log.push(format!("fail the last shipment of {n}"));
        let request = FailShipmentRequest {
            request_id: key(),
            shipment_id: sent.shipment.clone(),
            reason: FailureReason::Refused.into(),
            failed_at: None,
        };
        self.erp.fulfilment().fail_shipment(request).await.unwrap();
        sent.failed = true;
        for (lot, quantity, cost) in std::mem::take(&mut sent.lines) {
            self.world.lots[lot].stock += quantity;
            self.world.lots[lot].value += cost;
        }
    }

    async fn take_back(&mut self, n: usize, quantity: i64) {
        let outcome = [ReturnOutcome::Restock, ReturnOutcome::WriteOff, ReturnOutcome::Repair][self.dice.index(3)];
        self.note(format!("{quantity} of {n} come back: {outcome:?}"));
        self.erp.deliver(&[returned(self.world.orders[n].id, &[(1, &self.sku, quantity)], outcome)]).await;
        self.world.give_back(n, quantity, outcome);
    }

    async fn adjust(&mut self, lot: usize, quantity: i64) {
        let kind = [AdjustmentKind::Count, AdjustmentKind::WriteOff][self.dice.index(2)];
        self.note(format!("{kind:?} {quantity} of lot {lot}"));
        let done = self.erp.adjust(kind, &self.sku, LOTS[lot].0, quantity).await;
        let pile = self.world.lots[lot].clone();
        let after = if kind == AdjustmentKind::Count { quantity } else { pile.stock - quantity };
        if !pile.known || after < 0 {
            let expected = if pile.known { Code::FailedPrecondition } else { Code::NotFound };
            assert_eq!(done.unwrap_err().code(), expected);
            return;
        }
        assert_eq!(done.unwrap().difference, (after - pile.stock).to_string());
        self.world.displace(lot, after);
        let now = &mut self.world.lots[lot];
        if after < pile.stock {
            now.take(pile.stock - after);
        } else if after > pile.stock {
            let more = after - pile.stock;
            now.value += match pile.stock + pile.aside {
                0 => more * pile.last_cost,
                all => (2 * pile.value * more + all) / (2 * all),
            };
            now.stock = after;
        }
    }

    async fn status(&mut self, lot: usize) {
        if !self.world.lots[lot].known {
            return;
        }
        let status = [LotStatus::Available, LotStatus::Quarantined, LotStatus::Blocked][self.dice.index(3)];
        self.note(format!("lot {lot} is {status:?}"));
        self.erp.set_lot(&self.sku, LOTS[lot].0, status).await.unwrap();
        self.world.lots[lot].blocked = status != LotStatus::Available;
        if status != LotStatus::Available {
            self.world.displace(lot, 0);
        }
    }

    async fn transfer(&mut self, lot: usize, quantity: i64) {
        let aside = self.dice.roll(2) == 1;
        if !self.world.lots[lot].known {
            return;
        }
        self.note(format!("transfer {quantity} of lot {lot}, aside: {aside}"));
        let (from, to) = if aside { ("MAIN/DEFAULT", "MAIN/QUARANTINE") } else { ("MAIN/QUARANTINE", "MAIN/DEFAULT") };
        let request = TransferStockRequest {
            request_id: key(),
            from_place: from.into(),
            to_place: to.into(),
            lines: vec![TransferLine { sku: self.sku.clone(), lot: LOTS[lot].0.into(), quantity: pcs(quantity) }],
            reason: String::new(),
            moved_at: None,
        };
        let done = self.erp.stock().transfer_stock(request).await;
        let there = if aside { self.world.free(lot) } else { self.world.lots[lot].aside };
        assert_eq!(done.is_ok(), there >= quantity);
        if there < quantity {
            return;
        }
        let pile = &mut self.world.lots[lot];
        if aside {
            pile.stock -= quantity;
            pile.aside += quantity;
        } else {
            pile.aside -= quantity;
            pile.stock += quantity;
        }
    }

    async fn close_or_reopen(&mut self, n: usize) {
        let close = self.dice.roll(2) == 1;
        let one = &mut self.world.orders[n];
        self.log.push(format!("close {n}: {close}"));
        let order_id = one.id.to_string();
        let mut client = self.erp.reservations();
        let done = if close {
            client.close_reservation(CloseReservationRequest { order_id }).await.map(|_| ())
        } else {
            client.reopen_reservation(ReopenReservationRequest { order_id }).await.map(|_| ())
        };
        assert_eq!(done.is_ok(), one.state != "cancelled");
        if one.state == "cancelled" {
            return;
        }
        one.state = if close { "closed" } else { "open" };
        if close {
            one.held = [0; 5];
        }
    }

    /// Everything the service says against everything the oracle knows.
    async fn compare(&self) {
        type Piles = BTreeMap<(String, String), (String, String, String)>;
        let kopecks = |value: i64| format!("{}.{:02}", value / 100, value % 100);
        let mut expected = Piles::new();
        for (lot, pile) in self.world.lots.iter().enumerate() {
            let held: i64 = self.world.orders.iter().map(|order| order.held[lot]).sum();
            let (of_stock, of_aside) = pile.shown();
            let name = |place: &str| (LOTS[lot].0.to_owned(), place.to_owned());
            if pile.stock > 0 {
                let figures = (pile.stock.to_string(), held.to_string(), kopecks(of_stock));
                expected.insert(name("MAIN/DEFAULT"), figures);
            }
            if pile.aside > 0 {
                let figures = (pile.aside.to_string(), "0".into(), kopecks(of_aside));
                expected.insert(name("MAIN/QUARANTINE"), figures);
            }
        }
        let lots = self.erp.stock_of(&self.sku).await.lots;
        let found: Piles = lots
            .into_iter()
            .map(|lot| ((lot.lot, lot.place), (lot.on_hand, lot.reserved, amount(&lot.value))))
            .collect();
        assert_eq!(found, expected, "{:#?}", self.log);
        for (n, one) in self.world.orders.iter().enumerate() {
            let line = self.erp.reservation(one.id).await.lines.remove(0);
            let found = [&line.ordered, &line.cancelled, &line.shipped, &line.backordered].map(String::clone);
            let expected = [one.ordered, one.cancelled, one.shipped, one.lacks()].map(|figure| figure.to_string());
            assert_eq!(found, expected, "order {n}: {:#?}", self.log);
            let mut held = [0; 5];
            for lot in line.lots {
                let index = LOTS.iter().position(|(number, _)| *number == lot.lot).unwrap();
                held[index] += lot.quantity.parse::<i64>().unwrap();
            }
            assert_eq!(held, one.held, "order {n}: {:#?}", self.log);
        }
    }
}

/// A number from the environment.
pub(crate) fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_lives_agree_with_the_oracle_to_the_last_digit() {
    let erp = Erp::start().await;
    let first = setting("SHOPFLOOR_ERP_SEED", 1);
    let seeds = first..first + setting("SHOPFLOOR_ERP_SEQUENCES", 200);
    stream::iter(seeds)
        .for_each_concurrent(8, async |seed| {
            let sku = format!("LIFE-{seed}");
            erp.know(&[&sku]).await;
            let log = vec![format!("seed {seed}")];
            let mut life = Life { erp: &erp, sku, dice: Dice(seed), world: World::default(), log };
            for _ in 0..12 {
                life.step().await;
            }
            life.compare().await;
        })
        .await;
    erp.balanced().await;
}

#[tokio::test]
async fn the_oracle_notices_a_kopeck_and_a_piece() {
    let erp = Erp::start().await;
    for (n, falsify) in [
        "update cost_layer set value = value + 0.01",
        "update stock_balance set on_hand = on_hand + 1",
        "update demand_line set ordered = ordered + 1",
        "update reservation set quantity = quantity + 1 where state = 'active'",
    ]
    .into_iter()
    .enumerate()
    {
        let sku = format!("LIFE-{n}");
        erp.know(&[&sku]).await;
        let mut life = Life { erp: &erp, sku, dice: Dice(1), world: World::default(), log: Vec::new() };
        life.receive(0, 5).await;
        life.place(3).await;
        life.world.serve();
        life.compare().await;
        let done = sqlx::query(falsify).execute(erp.app.db.pool()).await.unwrap();
        assert!(done.rows_affected() > 0);
        assert!(AssertUnwindSafe(life.compare()).catch_unwind().await.is_err(), "{falsify}");
    }
}
