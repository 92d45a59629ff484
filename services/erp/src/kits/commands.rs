//! Saying what a kit is made of, putting kits together and taking them apart.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::Date;
use types::Unit;
use uuid::Uuid;

use super::{
    domain::{Free, Kit, Named, Refusal, choose, earliest, named_once},
    store::{self, LotToMake},
};
use crate::{
    config::Stamp,
    error::Error,
    items::commands::known_units,
    ledger::{
        commands::{Posted, Work, finish, lock, post},
        domain::{Cause, Move, PRODUCTION, Place, Worth},
    },
    reservation::commands::serve,
    warehouses::{domain::Warehouse, store as warehouses},
};

/// Says what a kit is made of. `based_on` is the version the change is based on; 0 for whatever it is.
///
/// # Errors
/// As `KitService.PutKit` says.
pub(crate) async fn put(conn: &mut PgConnection, kit: &Kit, based_on: i64, stamp: &Stamp<'_>) -> Result<(), Error> {
    store::lock(conn).await?;
    let work = lock(conn, kit.skus(), false).await?;
    let unit = work.unit(&kit.sku).ok_or_else(|| Error::UnknownSku(kit.sku.clone()))?;
    if Unit::parse(unit).is_ok_and(|unit| unit.digits() > 0) {
        return Err(Error::KitUnit(kit.sku.clone()));
    }
    known_units(&work, kit.components.iter().map(|one| (one.sku.as_str(), one.unit.as_str())))?;
    let version = store::version(conn, &kit.sku).await?.unwrap_or_default();
    if based_on != 0 && based_on != version {
        return Err(Error::VersionConflict(version));
    }
    let components: Vec<_> = kit.components.iter().map(|one| one.sku.as_str()).collect();
    if store::closes_circle(conn, &kit.sku, &components).await? {
        return Err(Error::KitCycle(kit.sku.clone()));
    }
    Ok(store::put(conn, &Kit { version: version + 1, ..kit.clone() }, stamp).await?)
}

/// Kits to put together or take apart.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// Item of the kits.
    pub(crate) sku: String,
    /// How many.
    pub(crate) quantity: Decimal,
    /// Unit code of the quantity.
    pub(crate) unit: String,
    /// Warehouse code; empty means the default.
    pub(crate) warehouse: String,
}

/// What was used up or made.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// Item.
    pub(crate) sku: String,
    /// Lot number.
    pub(crate) lot: String,
    /// Code of the place.
    pub(crate) place: String,
    /// How much.
    pub(crate) quantity: Decimal,
    /// Unit code.
    pub(crate) unit: String,
    /// What it was worth.
    pub(crate) value: Decimal,
    /// Last day of use.
    pub(crate) expires_on: Option<Date>,
}

/// What an assembly or disassembly did.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    /// Its id.
    pub(crate) id: Uuid,
    /// What was used up.
    pub(crate) inputs: Vec<Part>,
    /// What was made.
    pub(crate) outputs: Vec<Part>,
}

/// Locks the items of a kit; what it is made of is the same before and after.
async fn lock_kit(conn: &mut PgConnection, order: &Order) -> Result<(Work, Kit), Error> {
    let kit = store::kit(conn, &order.sku).await?.ok_or_else(|| Error::NotFound("kit", order.sku.clone()))?;
    let work = lock(conn, kit.skus(), false).await?;
    let version = store::version(conn, &order.sku).await?.unwrap_or_default();
    if version != kit.version {
        return Err(Error::VersionConflict(version));
    }
    known_units(&work, [(order.sku.as_str(), order.unit.as_str())].into_iter())?;
    Ok((work, kit))
}

async fn warehouse(conn: &mut PgConnection, code: &str, stamp: &Stamp<'_>) -> Result<Warehouse, Error> {
    let code = if code.is_empty() { &stamp.rules.default_warehouse } else { code };
    warehouses::by_code(conn, code).await?.ok_or_else(|| Error::UnknownWarehouse(code.to_owned()))
}

fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Missing(missing) => {
            let missing: Vec<_> = missing.iter().map(|(sku, left)| format!("{} of {sku}", left.normalize())).collect();
            Error::OutOfStock(missing.join(", "))
        }
        Refusal::LotTooSmall { sku, lot, free } => {
            Error::NotEnoughStock { sku, lot, there: free.normalize().to_string() }
        }
        Refusal::NotInFull(sku, need) => {
            Error::field("inputs", format!("must add up to {} of {sku}", need.normalize()))
        }
        Refusal::NoComponent(sku) => Error::field("inputs", format!("{sku} is no component")),
    }
}

/// Puts kits together. `lot` is their lot's number, generated when empty; `named` are lots to take.
///
/// # Errors
/// As `KitService.AssembleKit` says.
pub(crate) async fn assemble(
    conn: &mut PgConnection,
    order: &Order,
    lot: &str,
    named: &[Named],
    stamp: &Stamp<'_>,
) -> Result<Done, Error> {
    let warehouse = warehouse(conn, &order.warehouse, stamp).await?;
    let (mut work, kit) = lock_kit(conn, order).await?;
    known_units(&work, named.iter().map(|one| (one.sku.as_str(), one.unit.as_str())))?;
    let skus: Vec<_> = kit.components.iter().map(|one| one.sku.as_str()).collect();
    let free = store::free(conn, warehouse.id, &skus, Some(stamp.today())).await?;
    let taken = choose(&kit.needs(order.quantity), free, named).map_err(refused)?;

    let cause = Cause { kind: "assembly", id: service::new_id(), order: None };
    let number = assembly(conn, cause, order, &warehouse, stamp).await?;
    let inputs = use_up(conn, &mut work, &taken, cause, stamp).await?;
    let value: Decimal = inputs.iter().map(|part| part.value).sum();
    let lot = if lot.is_empty() { format!("K{number}") } else { lot.to_owned() };
    let made = Made {
        sku: &kit.sku,
        lot,
        quantity: order.quantity,
        expires_on: earliest(&taken),
        value,
        weight: Decimal::ONE,
    };
    let outputs = bring_in(conn, &mut work, &[made], &warehouse, (cause, None), stamp).await?;
    serve(conn, &mut work, Vec::new(), stamp, "stock_changed").await?;
    finish(conn, work, stamp).await?;
    Ok(Done { id: cause.id, inputs, outputs })
}

/// Takes kits of a lot apart. `named` are lots to put components into, by item.
///
/// # Errors
/// As `KitService.DisassembleKit` says.
pub(crate) async fn disassemble(
    conn: &mut PgConnection,
    order: &Order,
    lot: &str,
    named: &[(String, String)],
    stamp: &Stamp<'_>,
) -> Result<Done, Error> {
    let warehouse = warehouse(conn, &order.warehouse, stamp).await?;
    let (mut work, kit) = lock_kit(conn, order).await?;
    let named = named_once(&kit, named)
        .map_err(|sku| Error::field("outputs", format!("{sku} is no component, or named twice")))?;
    let free = store::free(conn, warehouse.id, &[&kit.sku], None).await?;
    let whole = Named { sku: kit.sku.clone(), lot: lot.to_owned(), unit: order.unit.clone(), quantity: order.quantity };
    let taken = choose(&[(kit.sku.clone(), order.quantity)], free, &[whole]).map_err(refused)?;
    let input = taken.first().ok_or(Error::Inconsistent("nothing was taken"))?;
    let (input, expires_on) = (input.lot, input.expires_on);

    let cause = Cause { kind: "disassembly", id: service::new_id(), order: None };
    let number = assembly(conn, cause, order, &warehouse, stamp).await?;
    let inputs = use_up(conn, &mut work, &taken, cause, stamp).await?;
    let values = kit.split(inputs.iter().map(|part| part.value).sum(), stamp.rules.digits());
    let needs = kit.needs(order.quantity);
    let mut made = Vec::with_capacity(values.len());
    for (line, (component, value)) in (1..).zip(kit.components.iter().zip(values)) {
        let generated = || format!("D{number}-{line}");
        made.push(Made {
            sku: &component.sku,
            lot: named.get(component.sku.as_str()).map_or_else(generated, |lot| (*lot).to_owned()),
            quantity: needs.iter().find(|(sku, _)| *sku == component.sku).map_or(Decimal::ZERO, |(_, need)| *need),
            expires_on,
            value,
            weight: component.weight,
        });
    }
    let outputs = bring_in(conn, &mut work, &made, &warehouse, (cause, Some(input)), stamp).await?;
    serve(conn, &mut work, Vec::new(), stamp, "stock_changed").await?;
    finish(conn, work, stamp).await?;
    Ok(Done { id: cause.id, inputs, outputs })
}

async fn assembly(
    conn: &mut PgConnection,
    cause: Cause,
    order: &Order,
    warehouse: &Warehouse,
    stamp: &Stamp<'_>,
) -> Result<i64, Error> {
    Ok(store::insert_assembly(conn, (cause.id, cause.kind), &order.sku, warehouse.id, order.quantity, stamp).await?)
}

/// Posts what is used up, at what it costs.
async fn use_up(
    conn: &mut PgConnection,
    work: &mut Work,
    taken: &[Free],
    cause: Cause,
    stamp: &Stamp<'_>,
) -> Result<Vec<Part>, Error> {
    let used = |one: &Free| Move::new(one.place, PRODUCTION, (&one.sku, one.lot), one.quantity, cause);
    let moves: Vec<_> = taken.iter().map(used).collect();
    let posted = post(conn, work, &moves, stamp.now, stamp).await?;
    let part = |(one, posted): (&Free, &Posted)| Part {
        sku: one.sku.clone(),
        lot: one.number.clone(),
        place: one.place_code.clone(),
        quantity: one.quantity,
        unit: work.unit(&one.sku).unwrap_or_default().to_owned(),
        value: posted.value,
        expires_on: one.expires_on,
    };
    Ok(taken.iter().zip(&posted).map(part).collect())
}

/// What comes out of production.
struct Made<'a> {
    sku: &'a str,
    lot: String,
    quantity: Decimal,
    expires_on: Option<Date>,
    value: Decimal,
    weight: Decimal,
}

/// Brings what was made into the warehouse, each into its lot, and notes what it was made of. A lot that is there must
/// expire on the same day, or be one that `input` was made of: then the goods are back where they came from.
async fn bring_in(
    conn: &mut PgConnection,
    work: &mut Work,
    made: &[Made<'_>],
    warehouse: &Warehouse,
    (cause, input): (Cause, Option<Uuid>),
    stamp: &Stamp<'_>,
) -> Result<Vec<Part>, Error> {
    let lot = |one: &Made<'_>| LotToMake {
        sku: one.sku.to_owned(),
        number: one.lot.clone(),
        expires_on: one.expires_on,
        unit_cost: one.value.checked_div(one.quantity).unwrap_or(Decimal::ZERO).round_dp(8),
    };
    let lots = store::find_or_make_lots(conn, &made.iter().map(lot).collect::<Vec<_>>(), stamp.now).await?;
    if lots.len() != made.len() {
        return Err(Error::Inconsistent("a lot was not written"));
    }
    let other: Vec<_> = lots.iter().zip(made).filter(|((_, day), one)| *day != one.expires_on).collect();
    if !other.is_empty() {
        let ids: Vec<_> = other.iter().map(|((lot, _), _)| *lot).collect();
        let own = match input {
            Some(input) => store::made_of(conn, input, &ids).await?,
            None => Default::default(),
        };
        if let Some((_, one)) = other.iter().find(|((lot, _), _)| !own.contains(lot)) {
            return Err(Error::LotMismatch { sku: one.sku.to_owned(), lot: one.lot.clone() });
        }
    }
    let to: Place = warehouse.bin;
    let entry = |((lot, _), one): (&(Uuid, Option<Date>), &Made<'_>)| {
        Move::new(PRODUCTION, to, (one.sku, *lot), one.quantity, cause).worth(Worth::Given(one.value))
    };
    let moves: Vec<_> = lots.iter().zip(made).map(entry).collect();
    post(conn, work, &moves, stamp.now, stamp).await?;
    let weights: Vec<_> = lots.iter().zip(made).map(|((lot, _), one)| (*lot, one.weight)).collect();
    store::link(conn, cause.id, &weights).await?;
    let place = warehouses::code_of(conn, to.id).await?;
    let part = |((_, expires_on), one): (&(Uuid, Option<Date>), &Made<'_>)| Part {
        sku: one.sku.to_owned(),
        lot: one.lot.clone(),
        place: place.clone(),
        quantity: one.quantity,
        unit: work.unit(one.sku).unwrap_or_default().to_owned(),
        value: one.value,
        expires_on: *expires_on,
    };
    Ok(lots.iter().zip(made).map(part).collect())
}
