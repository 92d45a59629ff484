//! How much is to be there: policies, history, levels, and what is told when stock crosses them.

use proto::{
    common::v1::PageRequest,
    erp::v1::{
        CalculateSafetyStockRequest, CancelExpectedReceiptRequest, DeleteReplenishmentPoliciesRequest, DemandClass,
        DemandDay, ExpectedReceiptInput, ExpectedSource, GetStockLevelRequest, ItemInput, ListDemandDaysRequest,
        ListReplenishmentPoliciesRequest, ListStockLevelsRequest, LotStatus, RecalculateStockLevelsRequest,
        ReplenishmentMethod, ReplenishmentPolicy, ReplenishmentTarget, StockLevel, UpsertExpectedReceiptsRequest,
        UpsertItemsRequest, UpsertReplenishmentPoliciesRequest, UpsertReplenishmentPoliciesResponse,
        UpsertWarehouseRequest, erp_event::Event, replenishment_service_client::ReplenishmentServiceClient,
        replenishment_target::Of,
    },
};
use testkit::{START, TestChannel};
use time::{Duration, OffsetDateTime, macros::datetime};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::kit::{Erp, cancelled, fields, goods, key, line, lines_cancelled, order, pcs, placed, reason, value};

fn client(erp: &Erp) -> ReplenishmentServiceClient<TestChannel> {
    ReplenishmentServiceClient::new(erp.app.client(&["erp.replenishment.*"]))
}

fn of(of: Of, warehouse: &str) -> Option<ReplenishmentTarget> {
    Some(ReplenishmentTarget { of: Some(of), warehouse: warehouse.into() })
}

fn item(sku: &str) -> Option<ReplenishmentTarget> {
    of(Of::Sku(sku.into()), "")
}

fn category(path: &str) -> Option<ReplenishmentTarget> {
    of(Of::Category(path.into()), "")
}

fn fixed(target: Option<ReplenishmentTarget>, reorder_point: &str) -> ReplenishmentPolicy {
    ReplenishmentPolicy {
        target,
        method: ReplenishmentMethod::Fixed.into(),
        safety_stock: "1".into(),
        reorder_point: reorder_point.into(),
        ..ReplenishmentPolicy::default()
    }
}

fn statistical(target: Option<ReplenishmentTarget>, lead_time_days: &str) -> ReplenishmentPolicy {
    ReplenishmentPolicy {
        target,
        method: ReplenishmentMethod::Statistical.into(),
        service_level: "0.95".into(),
        lead_time_days: lead_time_days.into(),
        ..ReplenishmentPolicy::default()
    }
}

fn unwatched(target: Option<ReplenishmentTarget>) -> ReplenishmentPolicy {
    ReplenishmentPolicy { target, method: ReplenishmentMethod::None.into(), ..ReplenishmentPolicy::default() }
}

async fn put(erp: &Erp, policies: Vec<ReplenishmentPolicy>) -> Result<UpsertReplenishmentPoliciesResponse, Status> {
    let request = UpsertReplenishmentPoliciesRequest { request_id: key(), policies };
    client(erp).upsert_replenishment_policies(request).await.map(tonic::Response::into_inner)
}

async fn recalculate(erp: &Erp, skus: &[&str]) -> i32 {
    let skus = skus.iter().map(|sku| (*sku).to_owned()).collect();
    let request = RecalculateStockLevelsRequest { request_id: key(), skus };
    client(erp).recalculate_stock_levels(request).await.unwrap().into_inner().watched
}

async fn level(erp: &Erp, sku: &str, warehouse: &str) -> StockLevel {
    let request = GetStockLevelRequest { sku: sku.into(), warehouse: warehouse.into() };
    client(erp).get_stock_level(request).await.unwrap().into_inner().level.unwrap()
}

async fn days(erp: &Erp, sku: &str, warehouse: &str) -> Vec<DemandDay> {
    let request = ListDemandDaysRequest { page: None, sku: sku.into(), warehouse: warehouse.into() };
    client(erp).list_demand_days(request).await.unwrap().into_inner().days
}

async fn know_in(erp: &Erp, category: &str, skus: &[&str]) {
    let item = |sku: &&str| ItemInput {
        sku: (*sku).into(),
        unit: "pcs".into(),
        category: category.into(),
        ..ItemInput::default()
    };
    let request = UpsertItemsRequest { request_id: key(), items: skus.iter().map(item).collect() };
    erp.items().upsert_items(request).await.unwrap();
}

async fn watch(erp: &Erp) {
    erp.app.run_job("erp_watch_stock").await.unwrap();
}

async fn order_at(erp: &Erp, at: OffsetDateTime, sku: &str, quantity: i64) -> Uuid {
    let id = service::new_id();
    let mut order = order(id, 1, vec![line(1, sku, quantity)]);
    order.placed_at = Some(proto::to_timestamp(at));
    erp.deliver(&[placed(order)]).await;
    id
}

/// Orders of an item on the days before today, the newest last.
async fn history(erp: &Erp, sku: &str, quantities: &[i64]) {
    let now = erp.now();
    let count = i64::try_from(quantities.len()).unwrap();
    let events = (0..).zip(quantities).filter(|(_, quantity)| **quantity > 0).map(|(n, quantity)| {
        let mut order = order(service::new_id(), n, vec![line(1, sku, quantity)]);
        order.placed_at = Some(proto::to_timestamp(now - Duration::days(count - n)));
        placed(order)
    });
    erp.deliver(&events.collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn p9_safety_stock_and_reorder_point_are_calculated_from_figures_given() {
    let erp = Erp::start().await;
    let trial = |mean: &str, sigma: &str, lead: &str, lead_sigma: &str, level: &str| CalculateSafetyStockRequest {
        mean: mean.into(),
        sigma: sigma.into(),
        lead_time_days: lead.into(),
        lead_time_sigma_days: lead_sigma.into(),
        service_level: level.into(),
        review_days: 0,
    };
    for (request, z, safety, point) in [
        (trial("75", "15", "7", "1.5", "0.95"), "1.644854", "196.22", "721.22"),
        (trial("100", "25", "4", "1", "0.98"), "2.053749", "229.62", "629.62"),
    ] {
        let found = client(&erp).calculate_safety_stock(request).await.unwrap().into_inner().calculation.unwrap();
        assert_eq!([found.z.as_str(), &found.safety_stock, &found.reorder_point], [z, safety, point]);
        assert_eq!(found.formula, "normal");
    }
    let bad = trial("-1", "x", "400", "", "1");
    let refused = client(&erp).calculate_safety_stock(bad).await.unwrap_err();
    assert_eq!(fields(&refused), ["lead_time_days", "mean", "sigma", "service_level"]);
}

#[tokio::test]
async fn policies_are_written_once_listed_and_deleted() {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    let policies = vec![
        fixed(item("A"), "5"),
        statistical(category("Fishing/Lures"), "7.5"),
        ReplenishmentPolicy {
            target: of(Of::Category(String::new()), "MAIN"),
            method: ReplenishmentMethod::MinMax.into(),
            reorder_point: "3".into(),
            maximum: "9.5".into(),
            ..ReplenishmentPolicy::default()
        },
    ];
    let request = UpsertReplenishmentPoliciesRequest { request_id: key(), policies };
    let first = client(&erp).upsert_replenishment_policies(request.clone()).await.unwrap().into_inner();
    assert_eq!((first.created, first.updated), (3, 0));
    let again = client(&erp).upsert_replenishment_policies(request.clone()).await.unwrap().into_inner();
    assert_eq!(again, first, "the same key is one change");
    let other = UpsertReplenishmentPoliciesRequest { policies: vec![fixed(item("A"), "6")], ..request };
    assert_eq!(client(&erp).upsert_replenishment_policies(other).await.unwrap_err().code(), Code::AlreadyExists);
    let changed = put(&erp, vec![fixed(item("A"), "6"), unwatched(item("B"))]).await.unwrap();
    assert_eq!((changed.created, changed.updated), (1, 1));

    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest { page_size: 3, page_token: token });
        let request = ListReplenishmentPoliciesRequest { page, sku: String::new() };
        let answer = client(&erp).list_replenishment_policies(request).await.unwrap().into_inner();
        seen.extend(answer.policies);
        token = answer.page.unwrap().next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let targets: Vec<_> = seen.iter().map(|policy| policy.target.clone()).collect();
    let everything = of(Of::Category(String::new()), "MAIN");
    assert_eq!(targets, [everything.clone(), category("Fishing/Lures"), item("A"), item("B")]);
    assert_eq!((seen[0].reorder_point.as_str(), seen[0].maximum.as_str()), ("3", "9.5"));
    assert_eq!((seen[1].lead_time_days.as_str(), seen[1].history_days), ("7.5", 365));
    assert_eq!((seen[2].reorder_point.as_str(), seen[2].updated_at), ("6", Some(proto::to_timestamp(START))));
    let request = ListReplenishmentPoliciesRequest { page: None, sku: "B".into() };
    assert_eq!(client(&erp).list_replenishment_policies(request).await.unwrap().into_inner().policies.len(), 1);

    let targets = vec![item("A").unwrap(), item("nobody").unwrap()];
    let request = DeleteReplenishmentPoliciesRequest { request_id: key(), targets };
    for _ in 0..2 {
        let deleted = client(&erp).delete_replenishment_policies(request.clone()).await.unwrap().into_inner();
        assert_eq!(deleted.deleted, 1, "and again the same answer");
    }
}

#[tokio::test]
async fn policies_that_make_no_sense_are_refused_and_nothing_changes() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    let refuse =
        async |policy: ReplenishmentPolicy| put(&erp, vec![fixed(category("good"), "5"), policy]).await.unwrap_err();
    let wrong = [
        (fixed(None, "5"), "policies[1].target"),
        (fixed(Some(ReplenishmentTarget::default()), "5"), "policies[1].target"),
        (fixed(item("A"), "0.5"), "policies[1].reorder_point"),
        (fixed(item("A"), "five"), "policies[1].reorder_point"),
        (ReplenishmentPolicy { target: item("A"), ..ReplenishmentPolicy::default() }, "policies[1].method"),
        (ReplenishmentPolicy { service_level: "1".into(), ..statistical(item("A"), "1") }, "policies[1].service_level"),
        (ReplenishmentPolicy { history_days: 7, ..statistical(item("A"), "1") }, "policies[1].history_days"),
        (statistical(item("A"), "-1"), "policies[1].lead_time_days"),
        (fixed(category("good"), "6"), "policies"),
        (
            ReplenishmentPolicy { method: ReplenishmentMethod::MinMax.into(), ..fixed(item("A"), "5") },
            "policies[1].maximum",
        ),
    ];
    for (policy, field) in wrong {
        assert!(fields(&refuse(policy.clone()).await).contains(&field.to_owned()), "{field}: {policy:?}");
    }
    assert_eq!(reason(&refuse(fixed(item("Z"), "5")).await), "UNKNOWN_SKU");
    assert_eq!(reason(&refuse(fixed(of(Of::Sku("A".into()), "SPB"), "5")).await), "UNKNOWN_WAREHOUSE");
    assert_eq!(fields(&put(&erp, Vec::new()).await.unwrap_err()), ["policies"]);
    let request = ListReplenishmentPoliciesRequest::default();
    assert_eq!(client(&erp).list_replenishment_policies(request).await.unwrap().into_inner().policies, []);
    let unknown = GetStockLevelRequest { sku: "Z".into(), warehouse: String::new() };
    assert_eq!(client(&erp).get_stock_level(unknown).await.unwrap_err().code(), Code::NotFound);
    let unknown = ListDemandDaysRequest { page: None, sku: "A".into(), warehouse: "SPB".into() };
    assert_eq!(client(&erp).list_demand_days(unknown).await.unwrap_err().code(), Code::NotFound);
    let request = RecalculateStockLevelsRequest { request_id: key(), skus: vec!["A".into(), "Z".into()] };
    assert_eq!(reason(&client(&erp).recalculate_stock_levels(request).await.unwrap_err()), "UNKNOWN_SKU");
    let reader = || ReplenishmentServiceClient::new(erp.app.client(&["erp.replenishment.read"]));
    let request = UpsertReplenishmentPoliciesRequest::default();
    let refused = reader().upsert_replenishment_policies(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn the_most_specific_policy_of_the_company_and_of_each_warehouse_counts() {
    let erp = Erp::start().await;
    let spb = UpsertWarehouseRequest { code: "SPB".into(), name: "SPB".into(), min_life_days: 0 };
    erp.warehouses().upsert_warehouse(spb).await.unwrap();
    know_in(&erp, "Fishing/Lures/Jigs", &["own", "deep", "off"]).await;
    know_in(&erp, "Fishing/Rods", &["wide"]).await;
    know_in(&erp, "", &["none"]).await;
    let policies = vec![
        fixed(category("Fishing"), "10"),
        fixed(category("Fishing/Lures"), "20"),
        fixed(item("own"), "30"),
        unwatched(item("off")),
        fixed(of(Of::Category("Fishing".into()), "SPB"), "7"),
    ];
    put(&erp, policies).await.unwrap();
    assert_eq!(recalculate(&erp, &["own", "deep", "wide", "none", "off"]).await, 4);
    for (sku, company, spb) in
        [("own", "30", "7"), ("deep", "20", "7"), ("wide", "10", "7"), ("off", "", "7"), ("none", "", "")]
    {
        let (all, there) = (level(&erp, sku, "").await, level(&erp, sku, "SPB").await);
        assert_eq!((all.reorder_point.as_str(), there.reorder_point.as_str()), (company, spb), "{sku}");
    }
    let own = level(&erp, "own", "").await;
    assert_eq!(
        (own.policy.clone(), own.safety_stock.as_str(), own.method()),
        (item("own"), "1", ReplenishmentMethod::Fixed)
    );
    assert_eq!(own.calculation.unwrap().formula, "fixed");
    assert_eq!(level(&erp, "off", "").await.method(), ReplenishmentMethod::None);
    let request = ListStockLevelsRequest::default();
    let listed = client(&erp).list_stock_levels(request).await.unwrap().into_inner().levels;
    let keys: Vec<_> = listed.iter().map(|level| (level.sku.as_str(), level.warehouse.as_str())).collect();
    let expected =
        [("deep", ""), ("deep", "SPB"), ("off", "SPB"), ("own", ""), ("own", "SPB"), ("wide", ""), ("wide", "SPB")];
    assert_eq!(keys, expected);
}

#[tokio::test]
async fn a_crossing_is_told_once_each_way() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 10, "1", "L")]).await;
    let min_max = ReplenishmentPolicy {
        method: ReplenishmentMethod::MinMax.into(),
        maximum: "20".into(),
        ..fixed(item("A"), "5")
    };
    put(&erp, vec![min_max]).await.unwrap();
    erp.app.run_job("erp_stock_levels").await.unwrap();
    watch(&erp).await;
    assert_eq!(erp.told("level:A@").await, Vec::<String>::new());
    let five = erp.place(1, vec![line(1, "A", 5)]).await;
    for _ in 0..2 {
        watch(&erp).await;
        erp.app.run_job("erp_stock_levels").await.unwrap();
    }
    assert_eq!(erp.told("level:A@").await, ["stock_below_reorder_point"]);
    let facts = erp.facts("stock_below_reorder_point").await;
    let [Event::StockBelowReorderPoint(fact)] = facts.as_slice() else { panic!("{facts:?}") };
    assert_eq!((fact.sku.as_str(), fact.warehouse.as_str()), ("A", ""));
    assert_eq!([value(&fact.position), value(&fact.reorder_point), value(&fact.missing)], ["5", "5", "15"]);
    erp.place(2, vec![line(1, "A", 7)]).await;
    watch(&erp).await;
    let deeper = level(&erp, "A", "").await;
    assert_eq!([deeper.available.as_str(), &deeper.backordered, &deeper.position], ["0", "2", "-2"]);
    assert!(deeper.below && deeper.below_since == Some(proto::to_timestamp(START)));
    let request = ListStockLevelsRequest { below_only: true, ..ListStockLevelsRequest::default() };
    assert_eq!(client(&erp).list_stock_levels(request).await.unwrap().into_inner().levels.len(), 1);
    erp.deliver(&[cancelled(five)]).await;
    watch(&erp).await;
    assert_eq!(level(&erp, "A", "").await.position, "3");
    assert_eq!(erp.told("level:A@").await.len(), 1, "still below");
    erp.receive(&[goods("A", 3, "1", "M")]).await;
    watch(&erp).await;
    assert_eq!(erp.told("level:A@").await, ["stock_below_reorder_point", "stock_recovered"]);
    assert!(!level(&erp, "A", "").await.below);
}

#[tokio::test]
async fn a_blocked_lot_and_a_deleted_policy_are_noticed_too() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 10, "1", "L")]).await;
    put(&erp, vec![fixed(item("A"), "5")]).await.unwrap();
    erp.app.run_job("erp_stock_levels").await.unwrap();
    watch(&erp).await;
    erp.set_lot("A", "L", LotStatus::Blocked).await.unwrap();
    watch(&erp).await;
    assert_eq!(erp.told("level:A@").await, ["stock_below_reorder_point"]);
    let targets = vec![item("A").unwrap()];
    let request = DeleteReplenishmentPoliciesRequest { request_id: key(), targets };
    client(&erp).delete_replenishment_policies(request).await.unwrap();
    erp.app.run_job("erp_stock_levels").await.unwrap();
    assert_eq!(erp.told("level:A@").await, ["stock_below_reorder_point", "stock_recovered"]);
    let level = level(&erp, "A", "").await;
    assert_eq!((level.method(), level.below, level.policy), (ReplenishmentMethod::None, false, None));
}

#[tokio::test]
async fn what_is_on_order_counts_until_it_is_cancelled() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 10, "1", "L")]).await;
    put(&erp, vec![fixed(item("A"), "12")]).await.unwrap();
    erp.app.run_job("erp_stock_levels").await.unwrap();
    assert_eq!(erp.told("level:A@").await, ["stock_below_reorder_point"]);
    let expected = ExpectedReceiptInput {
        source: ExpectedSource::Supplier.into(),
        document: "PO-1".into(),
        document_line: 1,
        sku: "A".into(),
        quantity: pcs(5),
        expected_on: "2026-03-20".into(),
        ..ExpectedReceiptInput::default()
    };
    let request = UpsertExpectedReceiptsRequest { request_id: key(), receipts: vec![expected] };
    let written = erp.expected().upsert_expected_receipts(request).await.unwrap().into_inner();
    watch(&erp).await;
    let found = level(&erp, "A", "").await;
    assert_eq!([found.available.as_str(), &found.on_order, &found.position], ["10", "5", "15"]);
    assert_eq!(erp.told("level:A@").await, ["stock_below_reorder_point", "stock_recovered"]);
    let expected_receipt_id = written.receipts[0].expected_receipt_id.clone();
    let request = CancelExpectedReceiptRequest { expected_receipt_id, reason: "lost at sea".into() };
    erp.expected().cancel_expected_receipt(request).await.unwrap();
    watch(&erp).await;
    assert_eq!(erp.told("level:A@").await.len(), 3, "below again");
}

#[tokio::test]
async fn a_change_that_was_not_committed_at_the_last_look_is_seen_at_the_next() {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    erp.receive(&[goods("A", 10, "1", "L"), goods("B", 10, "1", "L")]).await;
    put(&erp, vec![fixed(category(""), "5")]).await.unwrap();
    erp.app.run_job("erp_stock_levels").await.unwrap();
    watch(&erp).await;
    let mut slow = erp.app.db.begin().await.unwrap();
    for statement in [
        "update stock_balance set sellable = false where sku = 'A'",
        "update stock_item set name = 'a' where sku = 'A'",
    ] {
        sqlx::query(statement).execute(&mut *slow).await.unwrap();
    }
    erp.place(1, vec![line(1, "B", 8)]).await;
    watch(&erp).await;
    assert_eq!(erp.facts("stock_below_reorder_point").await.len(), 1, "B, which came later");
    slow.commit().await.unwrap();
    watch(&erp).await;
    assert_eq!(erp.told("level:A@").await, ["stock_below_reorder_point"]);
}

#[tokio::test]
async fn demand_is_what_was_wanted_on_a_day_of_the_company_less_what_was_cancelled() {
    let erp = Erp::with(erp::Config { zone: "Europe/Berlin".into(), ..erp::Config::default() }).await;
    erp.app.clock.set(datetime!(2026-04-02 09:00 UTC));
    erp.know(&["A", "B"]).await;
    erp.receive(&[goods("A", 10, "1", "L")]).await;
    // The clock went from 2 to 3 on the 29th: the 29th had 23 hours.
    order_at(&erp, datetime!(2026-03-28 22:59 UTC), "A", 1).await;
    order_at(&erp, datetime!(2026-03-28 23:00 UTC), "A", 2).await;
    let part = order_at(&erp, datetime!(2026-03-29 21:59 UTC), "A", 4).await;
    order_at(&erp, datetime!(2026-03-29 22:00 UTC), "A", 8).await;
    let gone = order_at(&erp, datetime!(2026-03-30 12:00 UTC), "A", 16).await;
    order_at(&erp, datetime!(2026-03-30 12:00 UTC), "B", 99).await;
    erp.app.run_job("erp_stock_levels").await.unwrap();
    let seen = async || -> Vec<(String, String, i32)> {
        days(&erp, "A", "").await.into_iter().map(|day| (day.day, day.wanted, day.lines)).collect()
    };
    let day = |day: &str, wanted: &str, lines| (day.to_owned(), wanted.to_owned(), lines);
    let first = [day("2026-03-30", "24", 2), day("2026-03-29", "6", 2), day("2026-03-28", "1", 1)];
    assert_eq!(seen().await, first, "also what could not be had");
    erp.deliver(&[lines_cancelled(part, &[(1, "A", 3)]), cancelled(gone)]).await;
    erp.app.run_job("erp_stock_levels").await.unwrap();
    assert_eq!(seen().await, [day("2026-03-30", "8", 1), day("2026-03-29", "3", 2), day("2026-03-28", "1", 1)]);
    erp.ship(part).await;
    erp.app.clock.advance(Duration::hours(1));
    erp.app.run_job("erp_stock_levels").await.unwrap();
    let shipped = &days(&erp, "A", "MAIN").await[0];
    assert_eq!((shipped.day.as_str(), shipped.wanted.as_str(), shipped.shipped.as_str()), ("2026-04-02", "0", "1"));
    erp.app.run_job("erp_stock_levels").await.unwrap();
    assert_eq!(seen().await.len(), 4, "counting again changes nothing");
}

#[tokio::test]
async fn days_without_stock_and_without_orders_are_not_zero_demand() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 20, "1", "L")]).await;
    watch(&erp).await;
    erp.place(86_400, vec![line(1, "A", 20)]).await;
    watch(&erp).await;
    erp.app.clock.set(START + Duration::days(3));
    // Placed on 5 March although there was nothing: demand.
    order_at(&erp, erp.now(), "A", 4).await;
    watch(&erp).await;
    erp.app.clock.set(START + Duration::days(10));
    erp.receive(&[goods("A", 40, "1", "L")]).await;
    watch(&erp).await;
    erp.app.clock.set(START + Duration::days(11));
    put(&erp, vec![statistical(item("A"), "7")]).await.unwrap();
    erp.app.run_job("erp_stock_levels").await.unwrap();
    let out: Vec<_> =
        days(&erp, "A", "").await.into_iter().filter(|day| day.without_stock).map(|day| day.day).collect();
    assert_eq!((out.len(), out[0].as_str(), out[8].as_str()), (9, "2026-03-11", "2026-03-03"), "{out:?}");
    let found = level(&erp, "A", "").await.calculation.unwrap();
    assert_eq!((found.days, found.excluded_days, found.demand_days), (3, 8, 2), "the 2nd, 5th and 12th of March");
    assert_eq!((found.history_from.as_str(), found.history_to.as_str()), ("2026-03-02", "2026-03-12"));
    assert_eq!((found.mean.as_str(), found.formula.as_str()), ("8", "days_of_cover"));
    assert!(found.note.contains("too little history"), "{}", found.note);
    assert_eq!((found.cover_days, found.safety_stock.as_str(), found.reorder_point.as_str()), (14, "112.00", "168.00"));
}

#[tokio::test]
async fn a_level_shows_every_figure_it_was_calculated_from() {
    let erp = Erp::start().await;
    erp.know(&["even", "seldom"]).await;
    erp.receive(&[goods("even", 1000, "1", "L"), goods("seldom", 1000, "1", "L")]).await;
    let even: Vec<i64> = (0..60).map(|n| if n % 2 == 0 { 4 } else { 6 }).collect();
    history(&erp, "even", &even).await;
    let seldom: Vec<i64> = (0..60).map(|n| if n % 6 == 0 { 5 } else { 0 }).collect();
    history(&erp, "seldom", &seldom).await;
    put(&erp, vec![ReplenishmentPolicy { review_days: 2, ..statistical(category(""), "7") }]).await.unwrap();
    erp.app.run_job("erp_stock_levels").await.unwrap();
    let found = level(&erp, "even", "").await;
    assert_eq!((found.safety_stock.as_str(), found.reorder_point.as_str()), ("5", "50"), "rounded up to pieces");
    assert_eq!((found.available.as_str(), found.position.as_str(), found.below), ("700", "700", false));
    let shown = found.calculation.unwrap();
    // 30 days of 4 and 30 of 6: mean 5, variance 60/59; 1.644854 · √(9 · 60/59) = 4.98.
    assert_eq!((shown.days, shown.excluded_days, shown.demand_days), (60, 0, 60));
    assert_eq!([shown.mean.as_str(), &shown.sigma, &shown.adi, &shown.cv_squared], ["5", "1.008439", "1", "0.040678"]);
    assert_eq!([shown.safety_stock.as_str(), &shown.reorder_point, &shown.z], ["4.98", "49.98", "1.644854"]);
    assert_eq!((shown.demand_class(), shown.formula.as_str()), (DemandClass::Smooth, "normal"));
    assert_eq!((shown.lead_time_days.as_str(), shown.review_days, shown.service_level.as_str()), ("7", 2, "0.95"));
    let shown = level(&erp, "seldom", "").await.calculation.unwrap();
    assert_eq!((shown.demand_class(), shown.formula.as_str()), (DemandClass::Intermittent, "negative_binomial"));
    assert_eq!((shown.demand_days, shown.adi.as_str(), shown.cv_squared.as_str()), (10, "6", "0"));
    let request =
        ListStockLevelsRequest { demand_class: DemandClass::Intermittent.into(), ..ListStockLevelsRequest::default() };
    let listed = client(&erp).list_stock_levels(request).await.unwrap().into_inner().levels;
    assert_eq!(listed.iter().map(|level| level.sku.as_str()).collect::<Vec<_>>(), ["seldom"]);
}

#[tokio::test]
async fn levels_are_calculated_anew_every_night_of_the_company() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    put(&erp, vec![statistical(item("A"), "7")]).await.unwrap();
    erp.app.run_job("erp_stock_levels").await.unwrap();
    let calculated = async || level(&erp, "A", "").await.calculated_at.unwrap();
    assert_eq!(calculated().await, proto::to_timestamp(START));
    // Midnight in Moscow is 21:00 UTC.
    erp.app.clock.set(datetime!(2026-03-02 20:59 UTC));
    erp.app.run_job("erp_stock_levels").await.unwrap();
    assert_eq!(calculated().await, proto::to_timestamp(START), "still today");
    erp.app.clock.set(datetime!(2026-03-02 21:00 UTC));
    erp.app.run_job("erp_stock_levels").await.unwrap();
    assert_eq!(calculated().await, proto::to_timestamp(datetime!(2026-03-02 21:00 UTC)));
}

#[tokio::test]
async fn many_who_recalculate_at_once_tell_a_crossing_once() {
    let erp = Erp::start().await;
    erp.know(&["A", "B", "C"]).await;
    put(&erp, vec![fixed(category(""), "5")]).await.unwrap();
    let calls = (0..20).map(|n| {
        let erp = &erp;
        async move {
            if n % 2 == 0 { recalculate(erp, &["C", "B", "A"]).await } else { recalculate(erp, &["A", "B", "C"]).await }
        }
    });
    let watched = futures::future::join_all(calls).await;
    assert_eq!(watched, [3; 20]);
    for sku in ["A", "B", "C"] {
        assert_eq!(erp.told(format!("level:{sku}@")).await, ["stock_below_reorder_point"]);
    }
}
