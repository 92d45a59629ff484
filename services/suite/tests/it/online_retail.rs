//! What becomes of the lines of the UCI Online Retail file.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::process::Command;

use rust_decimal::Decimal;
use suite::retail::plan::{PRICE_DIFFERENCE, Plan, What, is_goods, pence, plan};
use suite::retail::read::{FileLine, read, read_file};

const HEADING: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

fn planned(text: &str) -> Plan {
    plan(&read(format!("{HEADING}{text}").as_bytes(), None).unwrap())
}

fn fates(plan: &Plan) -> Vec<(u32, What, i64, String)> {
    plan.fates.iter().map(|f| (f.line, f.what, f.quantity, f.amount.to_string())).collect()
}

#[test]
fn the_same_code_twice_in_an_invoice_stays_two_lines() {
    let plan = planned(
        "1,A,x,2,2011-01-03 10:00:00,1.50,7.0,France\n\
         1,A,x,3,2011-01-03 10:00:00,1.50,7.0,France\n",
    );
    assert_eq!(plan.orders.len(), 1);
    assert_eq!(plan.orders[0].lines.iter().map(|l| l.quantity).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn codes_that_differ_in_letter_case_are_different_goods_but_the_same_charge() {
    let plan = planned(
        "1,85123A,x,2,2011-01-03 10:00:00,1.50,7.0,France\n\
         1,85123a,x,2,2011-01-03 10:00:00,1.50,7.0,France\n\
         1,m,Manual,1,2011-01-03 10:00:00,5,7.0,France\n",
    );
    assert_eq!(plan.products.iter().map(|p| p.sku.as_str()).collect::<Vec<_>>(), ["85123A", "85123a"]);
    assert_eq!(plan.orders[0].lines.iter().map(|l| l.goods).collect::<Vec<_>>(), [true, true, false]);
}

#[test]
fn lines_without_a_price_are_noted_and_bad_debt_is_a_charge() {
    let plan = planned(
        "1,A,smashed,-5,2011-01-03 10:00:00,0.0,,United Kingdom\n\
         A2,B,Adjust bad debt,1,2011-01-03 11:00:00,-11062.06,,United Kingdom\n",
    );
    let expected = [(1, What::Noted, 5, "0".to_owned()), (2, What::Charged, 1, "-11062.06".to_owned())];
    assert_eq!(
        fates(&plan).iter().map(|f| (f.0, f.1, f.2)).collect::<Vec<_>>(),
        expected.clone().map(|f| (f.0, f.1, f.2))
    );
    assert_eq!(plan.fates[1].amount.to_string(), "-11062.06");
    assert!(plan.orders.iter().flat_map(|o| &o.lines).all(|l| !l.goods && l.quantity > 0));
}

#[test]
fn a_credit_note_within_a_day_cancels_and_a_later_one_returns() {
    let plan = planned(
        "1,A,x,10,2011-01-03 10:00:00,2.00,7.0,France\n\
         C2,A,x,-4,2011-01-04 09:59:00,2.00,7.0,France\n\
         C3,A,x,-4,2011-01-04 10:00:00,2.00,7.0,France\n\
         C4,A,x,-4,2011-02-04 10:00:00,2.00,7.0,France\n",
    );
    let whats: Vec<_> = plan.fates.iter().map(|f| (f.line, f.what, f.quantity)).collect();
    assert_eq!(
        whats,
        [
            (1, What::Sold, 10),
            (2, What::Cancelled, 4),
            (3, What::Returned, 4),
            (4, What::Returned, 2),
            (4, What::Credited, 2)
        ]
    );
    assert_eq!(plan.reversals.len(), 3);
    assert_eq!(plan.orders[1].external_id, "C4");
    assert_eq!(plan.orders[1].lines[0].unit_price.to_string(), "-2.00");
}

#[test]
fn a_credit_note_at_another_price_leaves_the_difference_as_a_charge() {
    let plan = planned(
        "1,A,x,10,2011-01-03 10:00:00,2.00,7.0,France\n\
         C2,A,x,-4,2011-01-09 10:00:00,1.50,7.0,France\n",
    );
    assert_eq!(plan.fates[1].amount.to_string(), "-8.00");
    assert_eq!((plan.fates[2].what, plan.fates[2].amount.to_string()), (What::PriceDifference, "2.00".to_owned()));
    assert_eq!(plan.orders[1].lines[0].code, PRICE_DIFFERENCE);
}

#[test]
fn a_credit_note_without_a_customer_takes_nothing_back() {
    let plan = planned(
        "1,A,x,10,2011-01-03 10:00:00,2.00,,France\n\
         C2,A,x,-4,2011-01-09 10:00:00,2.00,,France\n",
    );
    assert!(plan.reversals.is_empty());
    assert_eq!(plan.fates[1].what, What::Credited);
}

#[test]
fn prices_of_three_decimals_round_per_line_half_away_from_zero() {
    assert_eq!(pence("2.005".parse().unwrap()).to_string(), "2.01");
    assert_eq!(pence("-2.005".parse().unwrap()).to_string(), "-2.01");
    let plan =
        planned("1,A,x,5,2011-01-03 10:00:00,0.001,7.0,France\n1,B,x,500,2011-01-03 10:00:00,0.001,7.0,France\n");
    assert_eq!(plan.fates.iter().map(|f| f.amount.to_string()).collect::<Vec<_>>(), ["0.01", "0.50"]);
}

#[test]
fn an_invoice_too_long_for_an_order_becomes_two() {
    let text: String = (0..1_100).map(|n| format!("1,X{n},x,1,2011-01-03 10:00:00,1.00,7.0,France\n")).collect();
    let plan = planned(&text);
    let sizes: Vec<_> = plan.orders.iter().map(|o| (o.external_id.as_str(), o.lines.len())).collect();
    assert_eq!(sizes, [("1", 999), ("1-2", 101)]);
}

/// Lines of the real file, or `None` (said aloud) when it is not on this machine.
fn real_file(limit: Option<usize>) -> Option<(PathBuf, Vec<FileLine>)> {
    let folder = std::env::var_os("SHOPFLOOR_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")), PathBuf::from);
    let path = folder.join("online_retail/online_retail.csv.gz");
    if !path.exists() {
        println!("NOT CHECKED: {} is not there; set SHOPFLOOR_DATA to the folder that has it", path.display());
        return None;
    }
    let lines = read_file(&path, limit).unwrap();
    Some((path, lines))
}

#[test]
fn a1_the_file_has_the_published_figures() {
    let Some((_, lines)) = real_file(None) else { return };
    let value = |l: &FileLine| l.price * Decimal::from(l.quantity);
    let sold: Vec<_> = lines.iter().filter(|l| l.quantity > 0 && l.price > Decimal::ZERO).collect();
    let known: Vec<_> = sold.iter().filter(|l| l.customer.is_some()).collect();
    assert_eq!(
        (lines.len(), lines.iter().map(value).sum::<Decimal>().to_string()),
        (541_909, "9747747.934".to_owned())
    );
    assert_eq!(
        (sold.len(), sold.iter().map(|l| value(l)).sum::<Decimal>().to_string()),
        (530_104, "10666684.544".to_owned())
    );
    assert_eq!(
        (known.len(), known.iter().map(|l| value(l)).sum::<Decimal>().to_string()),
        (397_884, "8911407.904".to_owned())
    );
    assert_eq!(known.iter().map(|l| l.customer).collect::<HashSet<_>>().len(), 4_338);
    assert_eq!(known.iter().map(|l| &l.invoice).collect::<HashSet<_>>().len(), 18_532);
    assert_eq!(lines.iter().filter(|l| l.invoice.starts_with('C')).count(), 9_288);
}

#[test]
fn nothing_is_dropped_and_every_penny_is_accounted_for() {
    let Some((_, lines)) = real_file(None) else { return };
    let plan = plan(&lines);
    let mut pieces: HashMap<u32, i64> = HashMap::new();
    let mut money: HashMap<u32, Decimal> = HashMap::new();
    for fate in &plan.fates {
        *money.entry(fate.line).or_default() += fate.amount;
        if fate.what != What::PriceDifference {
            *pieces.entry(fate.line).or_default() += fate.quantity;
        }
    }
    let single_rounding = |line: &FileLine| pence(line.price * Decimal::from(line.quantity));
    for line in &lines {
        assert_eq!(pieces.get(&line.number), Some(&line.quantity.abs()), "{line:?}");
        let off = (money[&line.number] - single_rounding(line)).abs();
        assert!(off <= Decimal::new(1, 2), "{line:?}: {}", money[&line.number]);
    }
    assert_eq!(plan.fates.iter().map(|f| f.amount).sum::<Decimal>().to_string(), "9747747.93");
    for order in &plan.orders {
        assert!(
            order.lines.iter().all(|l| l.taken_back <= l.quantity && l.quantity > 0 && (!l.goods || is_goods(&l.code)))
        );
    }
    assert_eq!(plan.orders.iter().map(|o| &o.external_id).collect::<HashSet<_>>().len(), plan.orders.len());
}

#[test]
fn the_plan_agrees_with_the_independent_recount() {
    let Some((path, lines)) = real_file(Some(60_000)) else { return };
    let recount = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/recount/recount.py");
    let output = Command::new("python3").args([recount, "expected"]).arg(&path).args(["--limit", "60000"]).output();
    let Ok(output) = output else {
        println!("NOT CHECKED: python3 is not on this machine");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let plan = plan(&lines);
    let mut money: BTreeMap<What, Decimal> = BTreeMap::new();
    let mut pieces: BTreeMap<What, i64> = BTreeMap::new();
    for fate in &plan.fates {
        *money.entry(fate.what).or_default() += fate.amount;
        *pieces.entry(fate.what).or_default() += fate.quantity;
    }
    let number = |field: &str| expected[field].as_i64().unwrap();
    let text = |field: &str| expected[field].as_str().unwrap().parse::<Decimal>().unwrap();
    assert_eq!(plan.orders.len() as i64, number("orders"));
    assert_eq!(plan.orders.iter().map(|o| o.lines.len() as i64).sum::<i64>(), number("order_lines"));
    assert_eq!(plan.orders.iter().filter_map(|o| o.customer).collect::<HashSet<_>>().len() as i64, number("customers"));
    assert_eq!(plan.products.len() as i64, number("products"));
    assert_eq!(plan.products.iter().map(|p| p.pieces).sum::<i64>(), number("received_pieces"));
    assert_eq!(pieces[&What::Cancelled], number("cancelled_pieces"));
    assert_eq!(pieces[&What::Returned], number("returned_pieces"));
    assert_eq!(-money[&What::Cancelled], text("cancelled"));
    assert_eq!(-money[&What::Returned], text("returned"));
    assert_eq!(money.values().sum::<Decimal>(), text("net"));
    assert_eq!(money.values().sum::<Decimal>(), text("file_total"));
}
