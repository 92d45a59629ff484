//! Bad input, for every RPC of every service, made up from the descriptors: a new RPC is tested without a line here.
//!
//! Whatever comes in, an RPC answers with a typed status that never says internal; a refusal changes no row of any
//! table; and nobody gets past the permission that the proto file names.

#![expect(clippy::unwrap_used, reason = "tests")]

mod caller;
mod inputs;

use caller::{Target, fingerprint};
use inputs::Inputs;
use prost_reflect::{MethodDescriptor, Value};
use testkit::TestService;
use tonic::Code;

/// Hostile calls an RPC.
const ROUNDS: u64 = 24;

/// Codes that say that the caller was wrong, or that all is well. Everything else is our fault.
const TYPED: [Code; 9] = [
    Code::Ok,
    Code::InvalidArgument,
    Code::NotFound,
    Code::AlreadyExists,
    Code::FailedPrecondition,
    Code::Aborted,
    Code::ResourceExhausted,
    Code::PermissionDenied,
    Code::OutOfRange,
];

/// RPCs that every service serves for its own events.
const MESSAGING: &str = "shopfloor.messaging.v1";

fn methods(package: &str) -> Vec<MethodDescriptor> {
    let services = proto::descriptor_pool().services().filter(|service| service.package_name() == package);
    services.flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
}

/// Every RPC of a service, those about its events included: hostile input, no token, a token without the permission, a
/// forged and an expired token.
async fn besiege(app: TestService, service: &'static str) {
    let target = Target::new(&app).await;
    let mut faults = Vec::new();
    let mut refused = 0;
    let of_events = methods(MESSAGING);
    assert_eq!(of_events.len(), 4, "the RPCs about events were not found");
    for method in methods(&format!("shopfloor.{service}.v1")).into_iter().chain(of_events) {
        let hosted =
            method.input().get_field_by_name("service").filter(|_| method.parent_service().package_name() == MESSAGING);
        let name = method.full_name().to_owned();
        // Who signs in is refused because of what he says, not because of who he is.
        let public = caller::need(&method) == "public";
        let mut before = fingerprint(&app).await;
        for round in 0..ROUNDS {
            let mut message = Inputs::seeded(&name, round).message(&method.input(), 0);
            if let Some(field) = hosted.as_ref().filter(|_| round % 4 != 0) {
                // Of another service nothing is known here, whatever else is asked.
                message.set_field(field, Value::String(service.to_owned()));
            }
            let said = format!("{message:?}");
            let status = target.call(&method, message, Some(&target.administrator)).await;
            let typed = TYPED.contains(&status.code()) || (public && status.code() == Code::Unauthenticated);
            if !typed {
                let said: String = said.chars().take(600).collect();
                faults.push(format!("{name} round {round}: {:?} {}\n    {said}", status.code(), status.message()));
                break;
            }
            let after = fingerprint(&app).await;
            if status.code() != Code::Ok {
                refused += 1;
                if before != after {
                    faults.push(format!("{name} round {round}: refused with {:?}, but changed rows", status.code()));
                    break;
                }
            }
            before = after;
        }
        faults.extend(target.doors(&method).await);
        assert_eq!(before, fingerprint(&app).await, "{name} changed rows for a stranger");
    }
    assert!(refused > 0, "nothing was refused: the inputs are not hostile");
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

macro_rules! besieged {
    ($($test:ident $service:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            let build = |deps: &service::Deps| $service::service(deps, &$service::Config::default());
            let app = TestService::start($service::NAME, &$service::MIGRATOR, build).await;
            besiege(app, $service::NAME).await;
        }
    )*};
}

besieged! {
    orders_answers_every_bad_input_with_a_typed_refusal orders;
    erp_answers_every_bad_input_with_a_typed_refusal erp;
    crm_answers_every_bad_input_with_a_typed_refusal crm;
    kpi_answers_every_bad_input_with_a_typed_refusal kpi;
    tasks_answers_every_bad_input_with_a_typed_refusal tasks;
    knowledge_answers_every_bad_input_with_a_typed_refusal knowledge;
    identity_answers_every_bad_input_with_a_typed_refusal identity;
}
