//! Kits: put together at exactly their value, taken apart to the kopeck, never oversold.

use futures::future::join_all;
use proto::{
    common::v1::{PageRequest, Quantity},
    erp::v1::{
        AssembleKitRequest, AssembleKitResponse, AssembledLot, DisassembleKitRequest, DisassembleKitResponse,
        GetKitRequest, ItemInput, Kit, KitComponent, KitLot, ListKitsRequest, LotStatus, PutKitRequest,
        UpsertItemsRequest,
    },
};
use tonic::{Code, Status};

use crate::kit::{Erp, In, amount, fields, goods, key, line, pcs, reason, value};

pub(crate) async fn put(erp: &Erp, sku: &str, components: &[(&str, i64, i64)]) -> Result<Kit, Status> {
    let component = |(sku, quantity, weight): &(&str, i64, i64)| KitComponent {
        sku: (*sku).into(),
        quantity: pcs(quantity),
        weight: weight.to_string(),
    };
    let components = components.iter().map(component).collect();
    let request = PutKitRequest { request_id: key(), sku: sku.into(), components, version: 0 };
    erp.kits().put_kit(request).await.map(|answer| answer.into_inner().kit.unwrap())
}

fn named(sku: &str, lot: &str, quantity: i64) -> KitLot {
    KitLot { sku: sku.into(), lot: lot.into(), quantity: pcs(quantity) }
}

pub(crate) async fn assemble(
    erp: &Erp,
    sku: &str,
    quantity: i64,
    lot: &str,
    inputs: Vec<KitLot>,
) -> Result<AssembleKitResponse, Status> {
    let request = AssembleKitRequest {
        request_id: key(),
        sku: sku.into(),
        quantity: pcs(quantity),
        warehouse: String::new(),
        lot: lot.into(),
        inputs,
    };
    erp.kits().assemble_kit(request).await.map(tonic::Response::into_inner)
}

pub(crate) async fn disassemble(
    erp: &Erp,
    sku: &str,
    quantity: i64,
    lot: &str,
    outputs: Vec<KitLot>,
) -> Result<DisassembleKitResponse, Status> {
    let request = DisassembleKitRequest {
        request_id: key(),
        sku: sku.into(),
        lot: lot.into(),
        quantity: pcs(quantity),
        warehouse: String::new(),
        outputs,
    };
    erp.kits().disassemble_kit(request).await.map(tonic::Response::into_inner)
}

/// Sku, lot, quantity, value, expiry of lots that were used up or made.
fn told(lots: &[AssembledLot]) -> Vec<[String; 5]> {
    let one = |lot: &AssembledLot| {
        [lot.sku.clone(), lot.lot.clone(), value(&lot.quantity), amount(&lot.value), lot.expires_on.clone()]
    };
    lots.iter().map(one).collect()
}

#[tokio::test]
async fn a_kit_is_worth_what_went_into_it_and_lives_as_long_as_its_shortest_lived_part() {
    let erp = Erp::start().await;
    erp.know(&["BOX", "ROD", "REEL"]).await;
    let rod = |lot, expires_on| In { expires_on, ..goods("ROD", 3, "3.33333", lot) };
    erp.receive(&[rod("late", "2028-01-01"), rod("soon", "2027-01-01"), goods("REEL", 9, "1.111", "r")]).await;
    put(&erp, "BOX", &[("ROD", 2, 1), ("REEL", 1, 1)]).await.unwrap();
    let done = assemble(&erp, "BOX", 2, "", Vec::new()).await.unwrap();
    assert_eq!(
        told(&done.inputs),
        [
            ["ROD", "soon", "3", "10.00", "2027-01-01"],
            ["ROD", "late", "1", "3.33", "2028-01-01"],
            ["REEL", "r", "2", "2.22", ""]
        ]
    );
    assert_eq!(told(&[done.output.unwrap()]), [["BOX", "K1", "2", "15.55", "2027-01-01"]]);
    assert_eq!(
        (erp.worth("BOX").await, erp.worth("ROD").await, erp.worth("REEL").await),
        ("15.55".into(), "6.67".into(), "7.78".into())
    );
    assert_eq!(erp.figures("ROD").await, ["2", "0", "2", "0"]);
    assert_eq!(erp.figures("BOX").await, ["2", "0", "2", "0"]);
    erp.balanced().await;
}

#[tokio::test]
async fn taken_apart_a_kit_gives_back_its_value_to_the_kopeck() {
    let erp = Erp::start().await;
    erp.know(&["BOX", "A", "B", "C"]).await;
    erp.receive(&[goods("A", 7, "1.43", "a"), goods("B", 7, "0.01", "b"), goods("C", 14, "3.33333", "c")]).await;
    put(&erp, "BOX", &[("A", 1, 1), ("B", 1, 1), ("C", 2, 1)]).await.unwrap();
    let made = assemble(&erp, "BOX", 7, "box", Vec::new()).await.unwrap();
    assert_eq!(amount(&made.output.unwrap().value), "56.75");
    let mut back = Vec::new();
    for _ in 0..7 {
        back.push(disassemble(&erp, "BOX", 1, "box", Vec::new()).await.unwrap());
    }
    assert_eq!(told(&back[0].inputs), [["BOX", "box", "1", "8.11", ""]]);
    assert_eq!(
        told(&back[0].outputs),
        [["A", "D2-1", "1", "2.71", ""], ["B", "D2-2", "1", "2.70", ""], ["C", "D2-3", "2", "2.70", ""]]
    );
    assert_eq!(erp.worth("BOX").await, "0.00");
    let mut kopecks = 0;
    for sku in ["A", "B", "C"] {
        kopecks += erp.worth(sku).await.replace('.', "").parse::<i64>().unwrap();
    }
    assert_eq!(kopecks, 5675);
    assert_eq!((erp.figures("A").await[0].as_str(), erp.figures("C").await[0].as_str()), ("7", "14"));
    erp.balanced().await;
}

#[tokio::test]
async fn components_go_back_into_the_lots_they_came_from_but_into_no_stranger_of_another_age() {
    let erp = Erp::start().await;
    erp.know(&["BOX", "A", "B"]).await;
    let lot = |sku, lot, expires_on| In { expires_on, ..goods(sku, 4, "5", lot) };
    erp.receive(&[lot("A", "a", "2028-01-01"), lot("A", "other", "2029-01-01"), lot("B", "b", "2027-01-01")]).await;
    put(&erp, "BOX", &[("A", 1, 3), ("B", 1, 1)]).await.unwrap();
    assemble(&erp, "BOX", 2, "box", Vec::new()).await.unwrap();
    let done = disassemble(&erp, "BOX", 1, "box", vec![named("A", "a", 1)]).await.unwrap();
    assert_eq!(told(&done.outputs), [["A", "a", "1", "7.50", "2028-01-01"], ["B", "D2-2", "1", "2.50", "2027-01-01"]]);
    let refused = disassemble(&erp, "BOX", 1, "box", vec![named("A", "other", 1)]).await.unwrap_err();
    assert_eq!(reason(&refused), "LOT_MISMATCH");
    let twice = disassemble(&erp, "BOX", 1, "box", vec![named("A", "a", 1), named("A", "b", 1)]).await.unwrap_err();
    assert_eq!(fields(&twice), ["outputs"]);
    let refused = disassemble(&erp, "BOX", 2, "box", Vec::new()).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_ENOUGH_STOCK");
    assert_eq!(reason(&disassemble(&erp, "BOX", 1, "zzz", Vec::new()).await.unwrap_err()), "NOT_ENOUGH_STOCK");
    assert_eq!(disassemble(&erp, "A", 1, "a", Vec::new()).await.unwrap_err().code(), Code::NotFound);
    erp.balanced().await;
}

#[tokio::test]
async fn only_what_is_free_sellable_and_of_use_today_goes_into_a_kit() {
    let erp = Erp::start().await;
    erp.know(&["BOX", "A", "B"]).await;
    let old = In { expires_on: "2020-01-01", ..goods("A", 5, "1", "old") };
    erp.receive(&[old, goods("A", 5, "1", "bad"), goods("A", 5, "1", "good"), goods("B", 9, "1", "b")]).await;
    erp.set_lot("A", "bad", LotStatus::Blocked).await.unwrap();
    erp.place(1, vec![line(1, "A", 2)]).await;
    put(&erp, "BOX", &[("A", 1, 1), ("B", 3, 1)]).await.unwrap();
    let refused = assemble(&erp, "BOX", 4, "", Vec::new()).await.unwrap_err();
    assert_eq!(reason(&refused), "OUT_OF_STOCK");
    assert!(refused.message().contains("1 of A") && refused.message().contains("3 of B"), "{refused}");
    let refused = assemble(&erp, "BOX", 3, "", vec![named("A", "bad", 3)]).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_ENOUGH_STOCK");
    let refused = assemble(&erp, "BOX", 3, "", vec![named("A", "good", 2)]).await.unwrap_err();
    assert_eq!(fields(&refused), ["inputs"]);
    let refused = assemble(&erp, "BOX", 3, "", vec![named("BOX", "good", 3)]).await.unwrap_err();
    assert_eq!(fields(&refused), ["inputs"]);
    assert_eq!(
        (erp.figures("A").await, erp.figures("BOX").await[0].as_str()),
        (["15".into(), "2".into(), "3".into(), "0".into()], "0")
    );
    assemble(&erp, "BOX", 3, "", vec![named("A", "good", 3)]).await.unwrap();
    assert_eq!(erp.figures("B").await[0], "0");
    let other = AssembleKitRequest {
        request_id: key(),
        sku: "BOX".into(),
        quantity: pcs(1),
        warehouse: "X".into(),
        ..AssembleKitRequest::default()
    };
    assert_eq!(reason(&erp.kits().assemble_kit(other).await.unwrap_err()), "UNKNOWN_WAREHOUSE");
    assert_eq!(assemble(&erp, "A", 1, "", Vec::new()).await.unwrap_err().code(), Code::NotFound);
    let grams = Some(Quantity { value: "1".into(), unit: "g".into() });
    let request =
        AssembleKitRequest { request_id: key(), sku: "BOX".into(), quantity: grams, ..AssembleKitRequest::default() };
    assert_eq!(reason(&erp.kits().assemble_kit(request).await.unwrap_err()), "UNIT_MISMATCH");
    erp.balanced().await;
}

#[tokio::test]
async fn who_waits_for_a_kit_gets_it_and_a_reserved_one_is_not_taken_apart() {
    let erp = Erp::start().await;
    erp.know(&["BOX", "A"]).await;
    erp.receive(&[goods("A", 5, "1", "a")]).await;
    put(&erp, "BOX", &[("A", 1, 1)]).await.unwrap();
    let id = erp.place(1, vec![line(1, "BOX", 2)]).await;
    assert_eq!(erp.has(id, 1).await, ("0".into(), "2".into()));
    assemble(&erp, "BOX", 3, "box", Vec::new()).await.unwrap();
    assert_eq!(erp.has(id, 1).await, ("2".into(), "0".into()));
    assert_eq!(reason(&disassemble(&erp, "BOX", 2, "box", Vec::new()).await.unwrap_err()), "NOT_ENOUGH_STOCK");
    disassemble(&erp, "BOX", 1, "box", Vec::new()).await.unwrap();
    erp.ship(id).await;
    assert_eq!((erp.worth("BOX").await.as_str(), erp.worth("A").await.as_str()), ("0.00", "3.00"));
    erp.balanced().await;
}

#[tokio::test]
async fn repeated_an_assembly_and_a_disassembly_happen_once() {
    let erp = Erp::start().await;
    erp.know(&["BOX", "A"]).await;
    erp.receive(&[goods("A", 5, "1", "a")]).await;
    let request = PutKitRequest {
        request_id: key(),
        sku: "BOX".into(),
        components: vec![KitComponent { sku: "A".into(), quantity: pcs(1), weight: "1".into() }],
        version: 0,
    };
    for _ in 0..2 {
        let kit = erp.kits().put_kit(request.clone()).await.unwrap().into_inner().kit.unwrap();
        assert_eq!(kit.version, 1);
    }
    let request = AssembleKitRequest {
        request_id: key(),
        sku: "BOX".into(),
        quantity: pcs(2),
        lot: "box".into(),
        ..AssembleKitRequest::default()
    };
    let first = erp.kits().assemble_kit(request.clone()).await.unwrap().into_inner();
    assert_eq!(erp.kits().assemble_kit(request.clone()).await.unwrap().into_inner(), first);
    let other = AssembleKitRequest { quantity: pcs(3), ..request };
    assert_eq!(erp.kits().assemble_kit(other).await.unwrap_err().code(), Code::AlreadyExists);
    assert_eq!(erp.figures("BOX").await[0], "2");
    let request = DisassembleKitRequest {
        request_id: key(),
        sku: "BOX".into(),
        quantity: pcs(1),
        lot: "box".into(),
        ..DisassembleKitRequest::default()
    };
    let first = erp.kits().disassemble_kit(request.clone()).await.unwrap().into_inner();
    assert_eq!(erp.kits().disassemble_kit(request).await.unwrap().into_inner(), first);
    assert_eq!((erp.figures("BOX").await[0].as_str(), erp.figures("A").await[0].as_str()), ("1", "4"));
    erp.balanced().await;
}

#[tokio::test]
async fn a_kit_is_made_of_known_goods_in_their_units_and_never_of_itself() {
    let erp = Erp::start().await;
    erp.know(&["K1", "K2", "K3", "A"]).await;
    let item = ItemInput { sku: "FLOUR".into(), unit: "kg".into(), ..ItemInput::default() };
    erp.items().upsert_items(UpsertItemsRequest { request_id: key(), items: vec![item] }).await.unwrap();
    put(&erp, "K1", &[("A", 1, 1)]).await.unwrap();
    put(&erp, "K2", &[("K1", 1, 1), ("A", 2, 1)]).await.unwrap();
    put(&erp, "K3", &[("K2", 1, 1)]).await.unwrap();
    assert_eq!(reason(&put(&erp, "K1", &[("K3", 1, 1)]).await.unwrap_err()), "KIT_CYCLE");
    assert_eq!(fields(&put(&erp, "K1", &[("K1", 1, 1)]).await.unwrap_err()), ["components[0].sku"]);
    assert_eq!(fields(&put(&erp, "K1", &[("A", 1, 1), ("A", 1, 1)]).await.unwrap_err()), ["components[1].sku"]);
    assert_eq!(fields(&put(&erp, "K1", &[("A", 1, 0)]).await.unwrap_err()), ["components"]);
    assert_eq!(
        fields(&put(&erp, "K1", &[("A", 0, -1)]).await.unwrap_err()),
        ["components[0].quantity", "components[0].weight", "components"]
    );
    assert_eq!(reason(&put(&erp, "K1", &[("nope", 1, 1)]).await.unwrap_err()), "UNKNOWN_SKU");
    assert_eq!(reason(&put(&erp, "nope", &[("A", 1, 1)]).await.unwrap_err()), "UNKNOWN_SKU");
    assert_eq!(reason(&put(&erp, "K1", &[("FLOUR", 1, 1)]).await.unwrap_err()), "UNIT_MISMATCH");
    assert_eq!(reason(&put(&erp, "FLOUR", &[("A", 1, 1)]).await.unwrap_err()), "KIT_UNIT");
    let stale = PutKitRequest {
        request_id: key(),
        sku: "K1".into(),
        components: vec![KitComponent { sku: "A".into(), quantity: pcs(5), weight: "1".into() }],
        version: 7,
    };
    assert_eq!(reason(&erp.kits().put_kit(stale).await.unwrap_err()), "VERSION_CONFLICT");
    let read = erp.kits().get_kit(GetKitRequest { sku: "K2".into() }).await.unwrap().into_inner().kit.unwrap();
    let skus: Vec<_> = read.components.iter().map(|one| (one.sku.as_str(), value(&one.quantity))).collect();
    assert_eq!(skus, [("K1", "1".to_owned()), ("A", "2".to_owned())], "nothing changed");
    assert_eq!(erp.kits().get_kit(GetKitRequest { sku: "A".into() }).await.unwrap_err().code(), Code::NotFound);
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest { page_size: 2, page_token: token });
        let answer = erp.kits().list_kits(ListKitsRequest { page }).await.unwrap().into_inner();
        seen.extend(answer.kits.into_iter().map(|kit| kit.sku));
        token = answer.page.unwrap().next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["K1", "K2", "K3"]);
    let unit = ItemInput { sku: "A".into(), unit: "kg".into(), ..ItemInput::default() };
    let refused =
        erp.items().upsert_items(UpsertItemsRequest { request_id: key(), items: vec![unit] }).await.unwrap_err();
    assert_eq!(reason(&refused), "UNIT_IN_USE");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_assemblies_at_once_of_the_last_components_make_exactly_what_there_is() {
    let erp = Erp::start().await;
    erp.know(&["BOX", "A", "B"]).await;
    erp.receive(&[goods("A", 14, "3.33", "a"), goods("B", 50, "0.07", "b")]).await;
    put(&erp, "BOX", &[("A", 2, 2), ("B", 1, 1)]).await.unwrap();
    let one = async |n: usize| match n % 4 {
        3 => disassemble(&erp, "BOX", 1, "box", Vec::new()).await.map(|_| -1),
        _ => assemble(&erp, "BOX", 1, "box", Vec::new()).await.map(|_| 1),
    };
    let answers = join_all((0..40).map(one)).await;
    let mut boxes = 0;
    for answer in answers {
        match answer {
            Ok(change) => boxes += change,
            Err(refused) => {
                assert!(["OUT_OF_STOCK", "NOT_ENOUGH_STOCK"].contains(&reason(&refused).as_str()), "{refused}")
            }
        }
    }
    assert_eq!(erp.figures("BOX").await[0], boxes.to_string());
    assert_eq!(erp.figures("A").await[0], (14 - 2 * boxes).to_string());
    assert_eq!(erp.figures("B").await[0], (50 - boxes).to_string());
    let mut kopecks = 0;
    for sku in ["A", "B", "BOX"] {
        kopecks += erp.worth(sku).await.replace('.', "").parse::<i64>().unwrap();
    }
    assert_eq!(kopecks, 14 * 333 + 50 * 7, "not a kopeck is lost or made");
    erp.balanced().await;
}
