//! Bills of material: versions, structure, explosion, cost.

use std::collections::BTreeMap;

use erp::boms::domain::MAX_LEVELS;
use futures::future::join_all;
use proto::{
    common::v1::{PageRequest, Quantity},
    erp::v1::{
        ActivateBomRequest, Bom, BomByProduct, BomContent, BomCost, BomCostBasis, BomCostSource, BomGivenCost,
        BomInput, BomLine, BomState, ExplodeBomRequest, ExplodeBomResponse, GetBomRequest, ItemInput, ListBomsRequest,
        PutBomRequest, RollUpCostRequest, RollUpCostResponse, UpsertItemsRequest, WhereUsedRequest,
        bom_service_client::BomServiceClient, explode_bom_request::Known,
    },
};
use time::Duration;
use tonic::{Code, Status};

use crate::kit::{Erp, amount, fields, goods, key, pcs, reason, rub, value};

fn kg(value: &str) -> Option<Quantity> {
    Some(Quantity { value: value.into(), unit: "kg".into() })
}

fn line(sku: &str, quantity: Option<Quantity>) -> BomLine {
    BomLine { component_sku: sku.into(), quantity, ..BomLine::default() }
}

fn lossy(loss: &str, line: BomLine) -> BomLine {
    BomLine { loss_percent: loss.into(), ..line }
}

fn content(quantity: Option<Quantity>, lines: Vec<BomLine>) -> BomContent {
    BomContent { quantity, lines, ..BomContent::default() }
}

/// One piece of each.
fn of(skus: &[&str]) -> BomContent {
    content(pcs(1), skus.iter().map(|sku| line(sku, pcs(1))).collect())
}

fn cost(basis: BomCostBasis, amount: &str) -> BomCost {
    BomCost { name: "Труд".into(), basis: basis.into(), amount: rub(amount) }
}

impl Erp {
    /// Creates items counted in kilograms.
    async fn weigh(&self, skus: &[&str]) {
        let item = |sku: &&str| ItemInput { sku: (*sku).into(), unit: "kg".into(), ..ItemInput::default() };
        let request = UpsertItemsRequest { request_id: key(), items: skus.iter().map(item).collect() };
        self.items().upsert_items(request).await.unwrap();
    }

    async fn put(&self, sku: &str, content: BomContent, activate: bool) -> Result<Bom, Status> {
        let content = Some(content);
        let request =
            PutBomRequest { request_id: key(), sku: sku.into(), content, activate, ..PutBomRequest::default() };
        self.boms().put_bom(request).await.map(|answer| answer.into_inner().bom.unwrap())
    }

    /// Puts a version in effect.
    async fn made_of(&self, sku: &str, content: BomContent) -> Bom {
        self.put(sku, content, true).await.unwrap()
    }

    async fn activate(&self, sku: &str, number: i32, version: i64) -> Result<Bom, Status> {
        let request = ActivateBomRequest { request_id: key(), sku: sku.into(), number, version };
        self.boms().activate_bom(request).await.map(|answer| answer.into_inner().bom.unwrap())
    }

    async fn explode(&self, sku: &str, known: Known) -> Result<ExplodeBomResponse, Status> {
        let request = ExplodeBomRequest { sku: sku.into(), known: Some(known), ..ExplodeBomRequest::default() };
        self.boms().explode_bom(request).await.map(tonic::Response::into_inner)
    }

    async fn wants(&self, sku: &str, quantity: Option<Quantity>) -> ExplodeBomResponse {
        self.explode(sku, Known::Quantity(quantity.unwrap())).await.unwrap()
    }

    async fn costs(&self, sku: &str, given: &[(&str, &str)]) -> Result<RollUpCostResponse, Status> {
        let costs = given.iter().map(|(sku, cost)| BomGivenCost { sku: (*sku).into(), unit_cost: rub(cost) }).collect();
        let request = RollUpCostRequest { sku: sku.into(), costs, ..RollUpCostRequest::default() };
        self.boms().roll_up_cost(request).await.map(tonic::Response::into_inner)
    }

    async fn version_on(&self, sku: &str, date: &str) -> Option<i32> {
        let request = GetBomRequest { sku: sku.into(), date: date.into(), ..GetBomRequest::default() };
        match self.boms().get_bom(request).await {
            Ok(answer) => answer.into_inner().bom.map(|bom| bom.number),
            Err(status) => {
                assert_eq!(status.code(), Code::NotFound);
                None
            }
        }
    }
}

/// Item, quantity of an explosion.
fn needs(answer: &ExplodeBomResponse) -> BTreeMap<&str, String> {
    answer.items.iter().map(|item| (item.sku.as_str(), value(&item.quantity))).collect()
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String) {
    let status = answer.unwrap_err();
    (status.code(), reason(&status))
}

fn broken(reason: &str) -> (Code, String) {
    (Code::FailedPrecondition, reason.into())
}

#[tokio::test]
async fn p1_recipe_cost() {
    let erp = Erp::start().await;
    erp.know(&["A", "X", "Y"]).await;
    erp.receive(&[goods("X", 100, "10", "L"), goods("Y", 3, "25", "L")]).await;
    let recipe = BomContent {
        costs: vec![cost(BomCostBasis::Batch, "300"), cost(BomCostBasis::Unit, "100")],
        ..content(pcs(1), vec![line("X", pcs(5)), line("Y", pcs(4))])
    };
    erp.made_of("A", recipe).await;
    let answer = erp.costs("A", &[]).await.unwrap();
    let [a] = answer.products.as_slice() else { panic!("{answer:?}") };
    assert_eq!([&a.material, &a.batch_costs, &a.unit_costs].map(amount), ["150.00", "300.00", "100.00"]);
    assert_eq!((amount(&a.total), amount(&a.unit_cost)), ("550.00".into(), "550.000000".into()));
    assert!(a.lines.iter().all(|line| line.source() == BomCostSource::Stock));
}

#[tokio::test]
async fn p2_losses_through_two_levels_in_both_directions() {
    let erp = Erp::start().await;
    erp.weigh(&["A", "B", "C", "D", "E"]).await;
    let lossy =
        |sku, loss: &str| BomContent { loss_percent: loss.into(), ..content(kg("1"), vec![line(sku, kg("1"))]) };
    erp.made_of("A", lossy("B", "3")).await;
    erp.made_of("B", lossy("C", "2")).await;
    let answer = erp.wants("A", kg("100")).await;
    // 100 / (0.97 × 0.98) = 105.19671786…, rounded up to the unit's six digits.
    assert_eq!(needs(&answer), BTreeMap::from([("B", "103.092784".into()), ("C", "105.196718".into())]));
    assert!(answer.items.iter().all(|item| value(&item.lossless_quantity) == "100"));

    erp.made_of("D", lossy("E", "82")).await;
    erp.made_of("E", lossy("C", "66.67")).await;
    let input = BomInput { component_sku: "C".into(), quantity: kg("10") };
    let answer = erp.explode("D", Known::Input(input)).await.unwrap();
    assert_eq!((value(&answer.quantity), needs(&answer)["C"].as_str()), ("0.59994".into(), "10"));
}

#[tokio::test]
async fn p3_waste_carries_nothing() {
    let erp = Erp::start().await;
    erp.know(&["GOOD", "WASTE", "IN"]).await;
    let waste = BomByProduct { sku: "WASTE".into(), quantity: pcs(1), waste: true };
    let recipe = BomContent { by_products: vec![waste], ..content(pcs(1), vec![line("IN", pcs(20))]) };
    let bom = erp.made_of("GOOD", recipe.clone()).await;
    assert_eq!(bom.content.unwrap().by_products, recipe.by_products);
    let answer = erp.costs("GOOD", &[("IN", "1")]).await.unwrap();
    assert_eq!(amount(&answer.products[0].unit_cost), "20.000000");
    let answer = erp.wants("GOOD", pcs(7)).await;
    assert_eq!((answer.by_products[0].sku.as_str(), value(&answer.by_products[0].quantity)), ("WASTE", "7".into()));
}

#[tokio::test]
async fn p10_a_recipe_that_contains_itself_is_refused_with_the_way() {
    let erp = Erp::start().await;
    erp.know(&["A", "B", "C", "X"]).await;
    assert_eq!(refused(erp.put("A", of(&["X", "A"]), false).await), broken("BOM_CYCLE"));
    erp.made_of("A", of(&["X", "B"])).await;
    erp.made_of("B", of(&["C"])).await;
    let status = erp.put("C", of(&["X", "A"]), false).await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), broken("BOM_CYCLE"));
    assert!(status.message().ends_with("C → A → B → C"), "{status}");
    // A draft that was harmless when it was saved is looked at again.
    erp.know(&["P", "Q"]).await;
    erp.put("P", of(&["Q"]), false).await.unwrap();
    erp.put("Q", of(&["P"]), false).await.unwrap();
    erp.activate("P", 1, 0).await.unwrap();
    assert_eq!(refused(erp.activate("Q", 1, 0).await), broken("BOM_CYCLE"));
    // Nothing of what was refused is there.
    let request = ListBomsRequest { sku: "C".into(), ..ListBomsRequest::default() };
    assert!(erp.boms().list_boms(request).await.unwrap().into_inner().boms.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p10_also_when_two_people_save_at_once() {
    let erp = Erp::start().await;
    let pairs: Vec<_> = (0..40).map(|n| (format!("A{n}"), format!("B{n}"))).collect();
    let skus: Vec<&str> = pairs.iter().flat_map(|(a, b)| [a.as_str(), b.as_str()]).collect();
    erp.know(&skus).await;
    let saves = pairs.iter().flat_map(|(a, b)| [(a, b), (b, a)]);
    let answers = join_all(saves.map(async |(product, part)| erp.put(product, of(&[part]), true).await)).await;
    for pair in answers.chunks(2) {
        let [one, other] = pair else { panic!("pairs") };
        assert_eq!(u8::from(one.is_ok()) + u8::from(other.is_ok()), 1, "{pair:?}");
        let status = one.as_ref().err().or(other.as_ref().err()).unwrap();
        assert_eq!(reason(status), "BOM_CYCLE", "{status:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p10_a_ring_closed_by_many_at_once_stays_open_by_one() {
    let erp = Erp::start().await;
    let ring: Vec<_> = (0..MAX_LEVELS).map(|n| format!("R{n:02}")).collect();
    erp.know(&ring.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let drafts = (0..ring.len()).map(|n| (&ring[n], &ring[(n + 1) % ring.len()]));
    join_all(drafts.map(async |(product, part)| erp.put(product, of(&[part]), false).await.unwrap())).await;
    let answers = join_all(ring.iter().map(async |sku| erp.activate(sku, 1, 1).await)).await;
    let refusals: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    let [only] = refusals.as_slice() else { panic!("{refusals:?}") };
    assert_eq!((reason(only).as_str(), only.message().matches('→').count()), ("BOM_CYCLE", ring.len()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_saved_at_once_get_numbers_of_their_own() {
    let erp = Erp::start().await;
    erp.know(&["A", "X"]).await;
    let answers = join_all((0..20).map(async |_| erp.put("A", of(&["X"]), true).await.unwrap().number)).await;
    let mut numbers = answers;
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
    assert_eq!(erp.version_on("A", "").await, Some(20));
}

#[tokio::test]
async fn a_draft_is_changed_until_it_is_active_and_then_never() {
    let erp = Erp::start().await;
    erp.know(&["A", "X", "Y"]).await;
    let put = async |number, version, content: BomContent| {
        let content = Some(content);
        let request =
            PutBomRequest { request_id: key(), sku: "A".into(), number, version, content, ..PutBomRequest::default() };
        erp.boms().put_bom(request).await.map(|answer| answer.into_inner().bom.unwrap())
    };
    let first = put(0, 0, of(&["X"])).await.unwrap();
    assert_eq!((first.number, first.version, first.state(), first.line_count), (1, 1, BomState::Draft, 1));
    assert_eq!((first.activated_at, erp.version_on("A", "").await), (None, None));
    let second = put(1, 1, of(&["Y", "X"])).await.unwrap();
    let skus: Vec<_> = second.content.as_ref().unwrap().lines.iter().map(|line| line.component_sku.clone()).collect();
    assert_eq!((second.number, second.version, skus), (1, 2, vec!["Y".to_owned(), "X".to_owned()]));
    assert_eq!(refused(put(1, 1, of(&["X"])).await), (Code::Aborted, "VERSION_CONFLICT".into()));
    assert_eq!(refused(erp.activate("A", 1, 1).await), (Code::Aborted, "VERSION_CONFLICT".into()));
    let active = erp.activate("A", 1, 2).await.unwrap();
    assert_eq!((active.state(), active.version), (BomState::Active, 3));
    assert!(active.activated_at.is_some() && !active.activated_by.is_empty());
    assert_eq!(active.content, second.content);
    assert_eq!(refused(put(1, 0, of(&["X"])).await), broken("BOM_NOT_DRAFT"));
    assert_eq!(refused(erp.activate("A", 1, 0).await), broken("BOM_NOT_DRAFT"));
    assert_eq!(refused(put(7, 0, of(&["X"])).await).0, Code::NotFound);
    assert_eq!(refused(erp.activate("A", 7, 0).await).0, Code::NotFound);
}

#[tokio::test]
async fn the_version_in_effect_is_the_latest_begun() {
    let erp = Erp::start().await;
    erp.know(&["A", "X", "Y", "Z"]).await;
    let today = erp.now().date();
    let from = |days: i64, sku| BomContent { valid_from: (today + Duration::days(days)).to_string(), ..of(&[sku]) };
    erp.made_of("A", from(10, "Y")).await;
    erp.made_of("A", from(-10, "X")).await;
    erp.put("A", from(-5, "Z"), false).await.unwrap();
    let on = async |days: i64| erp.version_on("A", &(today + Duration::days(days)).to_string()).await;
    assert_eq!([on(-11).await, on(-10).await, on(9).await, on(10).await], [None, Some(2), Some(2), Some(1)]);
    // A later one of the same day replaces it, and the explosion follows the day.
    erp.made_of("A", from(10, "Z")).await;
    assert_eq!(on(10).await, Some(4));
    let explode = async |date: String, number| {
        let known = Some(Known::Quantity(pcs(1).unwrap()));
        let request = ExplodeBomRequest { sku: "A".into(), number, date, known };
        let answer = erp.boms().explode_bom(request).await.unwrap().into_inner();
        (answer.number, answer.items[0].sku.clone())
    };
    assert_eq!(explode(String::new(), 0).await, (2, "X".into()));
    assert_eq!(explode((today + Duration::days(10)).to_string(), 0).await, (4, "Z".into()));
    assert_eq!(explode(String::new(), 3).await, (3, "Z".into()));
    let request = GetBomRequest { sku: "A".into(), number: 3, ..GetBomRequest::default() };
    let draft = erp.boms().get_bom(request).await.unwrap().into_inner().bom.unwrap();
    assert_eq!((draft.state(), draft.content.unwrap().lines), (BomState::Draft, vec![lossy("0", line("Z", pcs(1)))]));
}

#[tokio::test]
async fn grams_and_kilograms_are_one_and_pieces_are_another() {
    let erp = Erp::start().await;
    erp.know(&["JAR", "LID"]).await;
    erp.weigh(&["MIX", "SUGAR"]).await;
    let g = |value: &str| Some(Quantity { value: value.into(), unit: "g".into() });
    let half_percent = lossy("0.5", line("LID", pcs(1)));
    erp.made_of("JAR", content(pcs(1), vec![line("MIX", g("300.5")), half_percent])).await;
    // 25 kg, given in grams.
    erp.made_of("MIX", content(g("25000"), vec![lossy("1", line("SUGAR", kg("25")))])).await;
    let answer = erp.wants("JAR", pcs(200)).await;
    // 200 / 0.995 = 201.005 lids; 60.1 / 0.99 = 60.7070707… kg.
    let expected = [("LID", "202"), ("MIX", "60.1"), ("SUGAR", "60.707071")];
    assert_eq!(needs(&answer), expected.map(|(sku, value)| (sku, value.to_owned())).into());
    let codes: Vec<_> = answer.items.iter().map(|item| (item.low_level_code, item.bom_number)).collect();
    assert_eq!(codes, [(1, 0), (1, 1), (2, 0)]);
    let levels: Vec<_> = answer.levels.iter().map(|level| (level.level, level.sku.as_str())).collect();
    assert_eq!(levels, [(1, "LID"), (1, "MIX"), (2, "SUGAR")]);

    let answer =
        erp.explode("JAR", Known::Input(BomInput { component_sku: "SUGAR".into(), quantity: g("1000") })).await;
    // 1 kg of sugar fills 3.29 jars: three whole ones.
    assert_eq!(value(&answer.unwrap().quantity), "3");
    assert_eq!(
        refused(erp.put("JAR", content(pcs(1), vec![line("MIX", pcs(1))]), false).await),
        broken("UNIT_MISMATCH")
    );
    assert_eq!(
        refused(erp.put("JAR", content(kg("1"), vec![line("MIX", kg("1"))]), false).await),
        broken("UNIT_MISMATCH")
    );
    assert_eq!(refused(erp.explode("JAR", Known::Quantity(kg("1").unwrap())).await), broken("UNIT_MISMATCH"));
    // What a recipe counts in kilograms stays in kilograms.
    let change = ItemInput { sku: "SUGAR".into(), unit: "l".into(), ..ItemInput::default() };
    let request = UpsertItemsRequest { request_id: key(), items: vec![change] };
    assert_eq!(refused(erp.items().upsert_items(request).await), broken("UNIT_IN_USE"));
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_leaves_nothing() {
    let erp = Erp::start().await;
    erp.know(&["A", "X"]).await;
    let status = erp.put("A", of(&["X", "NO2", "NO1", "NO2"]), true).await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), broken("UNKNOWN_SKU"));
    assert!(status.message().ends_with("NO1, NO2"), "{status}");
    assert_eq!(refused(erp.put("NO", of(&["X"]), true).await), broken("UNKNOWN_SKU"));

    let bad = BomContent {
        valid_from: "soon".into(),
        quantity: pcs(0),
        loss_percent: "100".into(),
        lines: vec![lossy("-1", line(" ", pcs(-1))), lossy("0.00001", line("X", pcs("0.5")))],
        by_products: vec![BomByProduct { sku: "A".into(), quantity: None, waste: false }],
        costs: vec![BomCost { name: String::new(), basis: 0, amount: rub("-1") }],
        note: "n".repeat(1_001),
    };
    let expected = [
        "content.lines[0].component_sku",
        "content.lines[0].quantity",
        "content.lines[0].loss_percent",
        "content.lines[1].quantity",
        "content.lines[1].loss_percent",
        "content.by_products[0].sku",
        "content.by_products[0].quantity",
        "content.costs[0].basis",
        "content.costs[0].name",
        "content.costs[0].amount",
        "content.valid_from",
        "content.quantity",
        "content.loss_percent",
        "content.note",
    ];
    assert_eq!(fields(&erp.put("A", bad, true).await.unwrap_err()), expected);
    assert_eq!(fields(&erp.put("A", of(&["X"; 51]), true).await.unwrap_err()), ["content.lines"]);
    let request = ListBomsRequest::default();
    assert!(erp.boms().list_boms(request).await.unwrap().into_inner().boms.is_empty());

    assert_eq!(refused(erp.explode("A", Known::Quantity(pcs(1).unwrap())).await).0, Code::NotFound);
    assert_eq!(refused(erp.costs("A", &[]).await).0, Code::NotFound);
    let request = WhereUsedRequest { component_sku: "NO".into(), ..WhereUsedRequest::default() };
    assert_eq!(refused(erp.boms().where_used(request).await).0, Code::NotFound);
    erp.made_of("A", of(&["X"])).await;
    let input = BomInput { component_sku: "A".into(), quantity: pcs(1) };
    assert_eq!(refused(erp.explode("A", Known::Input(input)).await), broken("NOT_A_COMPONENT"));
    let huge = pcs("999999999999999999").unwrap();
    assert_eq!(refused(erp.explode("A", Known::Quantity(huge)).await), broken("OUT_OF_RANGE"));
    let request = GetBomRequest { sku: "A".into(), number: 1, date: "2026-01-01".into() };
    assert_eq!(fields(&erp.boms().get_bom(request).await.unwrap_err()), ["date"]);
    let twice = erp.costs("A", &[("X", "1"), ("X", "2"), ("A", "1")]).await.unwrap_err();
    assert_eq!(fields(&twice), ["costs", "costs[2].sku"]);
}

#[tokio::test]
async fn activating_is_a_permission_of_its_own() {
    let erp = Erp::start().await;
    erp.know(&["A", "X"]).await;
    let mut cook = BomServiceClient::new(erp.app.client(&["erp.bom.write", "erp.bom.read"]));
    let request = |activate| PutBomRequest {
        request_id: key(),
        sku: "A".into(),
        content: Some(of(&["X"])),
        activate,
        ..PutBomRequest::default()
    };
    cook.put_bom(request(false)).await.unwrap();
    assert_eq!(refused(cook.put_bom(request(true)).await).0, Code::PermissionDenied);
}

#[tokio::test]
async fn the_same_request_is_done_once() {
    let erp = Erp::start().await;
    erp.know(&["A", "X", "Y"]).await;
    let request =
        PutBomRequest { request_id: key(), sku: "A".into(), content: Some(of(&["X"])), ..PutBomRequest::default() };
    let first = erp.boms().put_bom(request.clone()).await.unwrap().into_inner();
    assert_eq!(erp.boms().put_bom(request.clone()).await.unwrap().into_inner(), first);
    let other = PutBomRequest { content: Some(of(&["Y"])), ..request };
    assert_eq!(refused(erp.boms().put_bom(other).await), (Code::AlreadyExists, "IDEMPOTENCY_CONFLICT".into()));
    let request = ActivateBomRequest { request_id: key(), sku: "A".into(), number: 1, version: 0 };
    let first = erp.boms().activate_bom(request.clone()).await.unwrap().into_inner();
    assert_eq!(erp.boms().activate_bom(request.clone()).await.unwrap().into_inner(), first);
    let other = ActivateBomRequest { version: 9, ..request };
    assert_eq!(refused(erp.boms().activate_bom(other).await), (Code::AlreadyExists, "IDEMPOTENCY_CONFLICT".into()));
    assert_eq!(erp.put("A", of(&["X"]), false).await.unwrap().number, 2);
}

#[tokio::test]
async fn versions_and_uses_are_listed_page_by_page() {
    let erp = Erp::start().await;
    erp.know(&["A", "B", "C", "X", "Y"]).await;
    for sku in ["B", "A", "B", "C"] {
        let lines = vec![line("X", pcs(2)), line("Y", pcs(1)), line("X", pcs(3))];
        erp.put(sku, content(pcs(10), lines), sku == "B").await.unwrap();
    }
    let everything = [("A", 1), ("B", 1), ("B", 2), ("C", 1)];
    let list = async |sku: &str, state: BomState, page_size| {
        let (mut seen, mut page_token) = (Vec::new(), String::new());
        loop {
            let page = Some(PageRequest { page_size, page_token });
            let request = ListBomsRequest { page, sku: sku.into(), state: state.into() };
            let answer = erp.boms().list_boms(request).await.unwrap().into_inner();
            assert!(
                answer.boms.iter().all(|bom| bom.line_count == 3 && bom.content.as_ref().unwrap().lines.is_empty())
            );
            seen.extend(answer.boms.into_iter().map(|bom| (bom.sku, bom.number)));
            page_token = answer.page.unwrap().next_page_token;
            if page_token.is_empty() {
                return seen;
            }
        }
    };
    let owned =
        |rows: &[(&str, i32)]| rows.iter().map(|(sku, number)| ((*sku).to_owned(), *number)).collect::<Vec<_>>();
    assert_eq!(list("", BomState::Unspecified, 3).await, owned(&everything));
    assert_eq!(list("B", BomState::Unspecified, 1).await, owned(&everything[1..3]));
    assert_eq!(list("", BomState::Draft, 1).await, owned(&[("A", 1), ("C", 1)]));

    let uses = async |state: BomState, page_size| {
        let (mut seen, mut page_token) = (Vec::new(), String::new());
        loop {
            let page = Some(PageRequest { page_size, page_token });
            let request = WhereUsedRequest { page, component_sku: "X".into(), state: state.into() };
            let answer = erp.boms().where_used(request).await.unwrap().into_inner();
            assert!(answer.uses.iter().all(|one| value(&one.quantity) == "5" && value(&one.batch) == "10"));
            seen.extend(answer.uses.into_iter().map(|one| (one.sku, one.number)));
            page_token = answer.page.unwrap().next_page_token;
            if page_token.is_empty() {
                return seen;
            }
        }
    };
    assert_eq!(uses(BomState::Unspecified, 3).await, owned(&everything));
    assert_eq!(uses(BomState::Active, 1).await, owned(&everything[1..3]));
}

#[tokio::test]
async fn a_component_costs_what_is_given_or_what_the_stock_says() {
    let erp = Erp::start().await;
    erp.know(&["A", "SUB", "STOCKED", "SOLD", "GIVEN", "FREE"]).await;
    let first = [goods("STOCKED", 3, "10", "L1"), goods("STOCKED", 1, "30", "L2"), goods("SOLD", 1, "7.77", "L")];
    erp.receive(&first).await;
    erp.adjust(proto::erp::v1::AdjustmentKind::WriteOff, "SOLD", "L", 1).await.unwrap();
    erp.made_of("A", of(&["SUB", "STOCKED", "SOLD", "GIVEN"])).await;
    let sub = BomContent { costs: vec![cost(BomCostBasis::Batch, "1")], ..content(pcs(3), vec![line("FREE", pcs(1))]) };
    erp.made_of("SUB", sub).await;
    let status = erp.costs("A", &[]).await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), broken("COST_MISSING"));
    assert!(status.message().ends_with("FREE, GIVEN"), "{status}");

    let answer = erp.costs("A", &[("GIVEN", "0.1"), ("FREE", "0")]).await.unwrap();
    let names: Vec<_> = answer.products.iter().map(|one| (one.sku.as_str(), one.low_level_code)).collect();
    assert_eq!(names, [("A", 0), ("SUB", 1)]);
    let [a, sub] = answer.products.as_slice() else { panic!("{answer:?}") };
    assert_eq!((amount(&sub.total), amount(&sub.unit_cost)), ("1.00".into(), "0.333333".into()));
    let lines: Vec<_> = a.lines.iter().map(|line| (amount(&line.unit_cost), line.source())).collect();
    let expected = [
        ("0.333333", BomCostSource::RolledUp),
        ("15.000000", BomCostSource::Stock),
        ("7.770000", BomCostSource::LastLot),
        ("0.100000", BomCostSource::Given),
    ];
    assert_eq!(lines, expected.map(|(cost, source)| (cost.to_owned(), source)));
    assert_eq!((amount(&a.unit_cost), amount(&a.total)), ("23.203333".into(), "23.20".into()));
    // A made component with a cost of its own is not looked into.
    let answer = erp.costs("A", &[("GIVEN", "0"), ("SUB", "2")]).await.unwrap();
    assert_eq!((answer.products.len(), amount(&answer.products[0].total)), (1, "24.77".into()));
}

#[tokio::test]
async fn structures_deeper_than_twenty_levels_are_refused() {
    let erp = Erp::start().await;
    let chain: Vec<_> = (0..=MAX_LEVELS + 1).map(|n| format!("L{n:02}")).collect();
    erp.know(&chain.iter().map(String::as_str).collect::<Vec<_>>()).await;
    // From the top: no single step sees how deep it gets, the explosion does.
    for pair in chain.windows(2) {
        erp.made_of(&pair[0], of(&[&pair[1]])).await;
    }
    assert_eq!(refused(erp.explode("L00", Known::Quantity(pcs(1).unwrap())).await), broken("BOM_TOO_DEEP"));
    let answer = erp.wants("L01", pcs(3)).await;
    assert_eq!((answer.items.len(), answer.items.last().unwrap().low_level_code), (MAX_LEVELS, 20));
    erp.know(&["TOP"]).await;
    assert_eq!(refused(erp.put("TOP", of(&["L01"]), false).await), broken("BOM_TOO_DEEP"));
}
