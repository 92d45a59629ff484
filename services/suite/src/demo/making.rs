#![doc = "Brings in what own production needs: materials with their stock, and the recipes."]

use proto::common::v1::Quantity;
use proto::erp::v1::receipt_line_input::Cost;
use proto::erp::v1::{
    BomByProduct, BomContent, BomCost, BomCostBasis, BomLine, ItemInput, PutBomRequest, ReceiptLineInput,
};
use rust_decimal::Decimal;
use time::{Date, Duration};

use super::chance::Chance;
use super::materials::{self, Material};
use super::nutrition::GOODS;
use super::recipes::{self, Recipe};
use crate::bulk::boms;
use crate::bulk::money;
use crate::bulk::stock::{self, Delivery};
use crate::client::api::Api;
use crate::say::{self, Progress};

/// Loads materials, their stock and the recipes; the goods are known already. `today` is the day the history ends,
/// `opening` the day it begins.
pub async fn load(api: &Api, currency: &str, seed: u64, (opening, today): (Date, Date)) -> anyhow::Result<()> {
    let materials = materials::all();
    boms::put_items(api, &materials.iter().map(item).collect::<Vec<_>>()).await?;
    let lines: Vec<_> = (0..).zip(&materials).flat_map(|(n, one)| lots(seed, n, one, currency, today)).collect();
    let mut progress = Progress::new("Materials received, lots", lines.len() as u64);
    let delivery = Delivery { supplier: "RAW-MATERIALS".to_owned(), lines };
    stock::receive(api, vec![delivery], opening.midnight().assume_utc(), &mut progress).await?;
    progress.end()?;

    let premixes = recipes::of_premixes();
    let all: Vec<_> = premixes.into_iter().chain((0..GOODS).map(recipes::of_good)).collect();
    let ingredients: Vec<_> = all.iter().map(|recipe| recipe.ingredients.len()).collect();
    let requests: Vec<_> = all.into_iter().map(|recipe| request(recipe, currency, opening)).collect();
    let count = requests.len();
    let mut progress = Progress::new("Recipes put in effect", count as u64);
    boms::put_boms(api, requests, &mut progress).await?;
    progress.end()?;
    let (least, most) = (ingredients.iter().min().unwrap_or(&0), ingredients.iter().max().unwrap_or(&0));
    say::line(&format!(
        "Recipes: {count}, of {GOODS} goods and {} premixes, {least} to {most} ingredients; {} materials",
        count as u64 - GOODS,
        materials.len()
    ))
}

fn item(material: &Material) -> ItemInput {
    ItemInput {
        sku: material.sku.clone(),
        name: material.name.clone(),
        unit: material.unit.to_owned(),
        ..ItemInput::default()
    }
}

/// One to three lots of a bought material.
fn lots(seed: u64, n: u64, material: &Material, currency: &str, today: Date) -> Vec<ReceiptLineInput> {
    let Some(cost) = material.unit_cost else { return Vec::new() };
    let mut chance = Chance::new(seed, "material", n);
    let parts = chance.between(1, 3);
    (1..=parts)
        .map(|part| {
            let amount = if material.unit == "kg" { chance.between(40, 900) } else { chance.between(20_000, 90_000) };
            // Prices move by up to a tenth between deliveries.
            let unit_cost = (cost * Decimal::new(chance.between(90, 110).cast_signed(), 2)).round_dp(2);
            let life = |days: u32| today + Duration::days(chance.between(30, u64::from(days)).cast_signed());
            ReceiptLineInput {
                sku: material.sku.clone(),
                quantity: Some(Quantity { value: amount.to_string(), unit: material.unit.to_owned() }),
                lot: format!("{}-L{part:02}", material.sku),
                expires_on: material.shelf_life_days.map(life).map(|day| day.to_string()).unwrap_or_default(),
                cost: Some(Cost::UnitCost(money(currency, unit_cost))),
                ..ReceiptLineInput::default()
            }
        })
        .collect()
}

fn request(recipe: Recipe, currency: &str, valid_from: Date) -> PutBomRequest {
    let lines = recipe.ingredients.into_iter().map(|one| BomLine {
        component_sku: one.sku,
        quantity: Some(Quantity { value: one.quantity.to_string(), unit: one.unit.to_owned() }),
        loss_percent: one.loss.to_string(),
        note: String::new(),
    });
    let waste = recipe.waste.map(|(sku, kilograms)| BomByProduct {
        sku: sku.to_owned(),
        quantity: Some(Quantity { value: kilograms.to_string(), unit: "kg".to_owned() }),
        waste: true,
    });
    let cost = |(name, amount): (&str, Decimal), basis: BomCostBasis| BomCost {
        name: name.to_owned(),
        basis: basis.into(),
        amount: Some(money(currency, amount)),
    };
    PutBomRequest {
        sku: recipe.sku,
        content: Some(BomContent {
            valid_from: valid_from.to_string(),
            quantity: Some(Quantity { value: recipe.batch.to_string(), unit: recipe.unit.to_owned() }),
            loss_percent: recipe.loss.to_string(),
            lines: lines.collect(),
            by_products: waste.into_iter().collect(),
            costs: vec![cost(recipe.batch_cost, BomCostBasis::Batch), cost(recipe.unit_cost, BomCostBasis::Unit)],
            note: String::new(),
        }),
        activate: true,
        ..PutBomRequest::default()
    }
}
