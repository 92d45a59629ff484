//! Contacts on their way to crm.

use std::sync::{Arc, Mutex};

use orders::Config;
use proto::{
    crm::v1::{
        self as crm, ResolveContactsRequest, ResolveContactsResponse,
        customer_service_server::{CustomerService, CustomerServiceServer},
    },
    orders::v1 as wire,
};
use testkit::INTERNAL_SECRET;
use time::Duration;
use tonic::{Request, Response, Status};

use crate::support::{Shop, line, order, start_with};

/// What the crm of a test does with each call.
type Behaviour = Box<dyn Fn(&ResolveContactsRequest) -> Result<(), Status> + Send + Sync>;

#[derive(Clone)]
struct FakeCrm {
    seen: Arc<Mutex<Vec<ResolveContactsRequest>>>,
    behaviour: Arc<Mutex<Behaviour>>,
}

impl FakeCrm {
    async fn start() -> (Self, String) {
        let fake = Self { seen: Arc::default(), behaviour: Arc::new(Mutex::new(Box::new(|_| Ok(())))) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tonic::transport::Server::builder().add_service(CustomerServiceServer::new(fake.clone()));
        tokio::spawn(server.serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener)));
        (fake, url)
    }

    fn behave(&self, behaviour: impl Fn(&ResolveContactsRequest) -> Result<(), Status> + Send + Sync + 'static) {
        *self.behaviour.lock().unwrap() = Box::new(behaviour);
    }

    fn taken(&self) -> Vec<crm::OrderContact> {
        self.seen.lock().unwrap().iter().flat_map(|request| request.contacts.clone()).collect()
    }
}

/// The RPCs of crm that orders never calls.
macro_rules! never {
    ($($rpc:ident: $request:ident => $response:ident),+ $(,)?) => {
        #[tonic::async_trait]
        impl CustomerService for FakeCrm {
            async fn resolve_contacts(
                &self,
                request: Request<ResolveContactsRequest>,
            ) -> Result<Response<ResolveContactsResponse>, Status> {
                let token = request.metadata().get("authorization").unwrap().to_str().unwrap().replace("Bearer ", "");
                let caller = testkit::verifier().verify(&token).await?;
                assert!(caller.may("crm.contact.resolve"), "{INTERNAL_SECRET}");
                assert!(request.metadata().contains_key("grpc-timeout"), "every call has a deadline");
                let request = request.into_inner();
                (self.behaviour.lock().unwrap())(&request)?;
                self.seen.lock().unwrap().push(request.clone());
                let results = request
                    .contacts
                    .into_iter()
                    .map(|contact| crm::ResolvedContact { order_id: contact.order_id, ..Default::default() })
                    .collect();
                Ok(Response::new(ResolveContactsResponse { results }))
            }
            $(async fn $rpc(&self, _: Request<crm::$request>) -> Result<Response<crm::$response>, Status> {
                Err(Status::unimplemented("never called"))
            })+
        }
    };
}

never! {
    create_customer: CreateCustomerRequest => CreateCustomerResponse,
    update_customer: UpdateCustomerRequest => UpdateCustomerResponse,
    get_customer: GetCustomerRequest => GetCustomerResponse,
    list_customers: ListCustomersRequest => ListCustomersResponse,
    find_customers: FindCustomersRequest => FindCustomersResponse,
    list_merge_candidates: ListMergeCandidatesRequest => ListMergeCandidatesResponse,
    add_tag: AddTagRequest => AddTagResponse,
    remove_tag: RemoveTagRequest => RemoveTagResponse,
}

const JOB: &str = "orders_contact_handover";

async fn shop() -> (Shop, FakeCrm) {
    let (fake, crm_url) = FakeCrm::start().await;
    (start_with(Config { crm_url, ..Config::default() }).await, fake)
}

fn with_buyer(id: &str, name: &str) -> wire::OrderInput {
    wire::OrderInput {
        buyer: Some(wire::BuyerInput {
            name: name.into(),
            phone: "8 900 123-45-67".into(),
            email: "Ivan@Example.com".into(),
            external_customer_id: "kunde-4711".into(),
        }),
        delivery: Some(wire::DeliveryInput {
            region: "RU-MOW".into(),
            address: "Москва, Тверская 1".into(),
            ..Default::default()
        }),
        ..order(id, vec![line("A", "1", "10.00")])
    }
}

async fn waiting(shop: &Shop) -> i64 {
    sqlx::query_scalar("select count(*) from contact_handover").fetch_one(shop.app.db.pool()).await.unwrap()
}

/// Every text the service's database holds anywhere.
async fn whole_database(shop: &Shop) -> String {
    let tables: Vec<String> =
        sqlx::query_scalar("select table_name::text from information_schema.tables where table_schema = 'public'")
            .fetch_all(shop.app.db.pool())
            .await
            .unwrap();
    let mut all = String::new();
    for table in tables {
        let sql = format!("select coalesce(string_agg(t::text, ' '), '') from \"{table}\" t");
        let text: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(shop.app.db.pool()).await.unwrap();
        all.push_str(&text);
    }
    for event in shop.app.events().await {
        all.push_str(&String::from_utf8_lossy(&event.payload));
    }
    all
}

#[tokio::test]
async fn contacts_go_to_crm_and_nothing_personal_stays() {
    let (shop, crm) = shop().await;
    let id = shop.push(with_buyer("1", "Иван Петров")).await.order_id;
    shop.push(order("2", vec![line("A", "1", "10.00")])).await;
    assert_eq!(waiting(&shop).await, 1, "an order without a contact leaves none");
    shop.app.run_job(JOB).await.unwrap();
    let [contact] = crm.taken().try_into().unwrap();
    assert_eq!(
        (contact.order_id.as_str(), contact.channel.as_str(), contact.name.as_str()),
        (id.as_str(), "web", "Иван Петров")
    );
    assert_eq!((contact.phone.as_str(), contact.region.as_str()), ("8 900 123-45-67", "RU-MOW"));
    assert!(contact.placed_at.is_some());
    assert_eq!(waiting(&shop).await, 0);
    let all = whole_database(&shop).await;
    for personal in ["Петров", "123-45-67", "Example.com", "Тверская", "kunde-4711"] {
        assert!(!all.contains(personal), "{personal} is still somewhere");
    }
    assert!(all.contains(&id), "the check reads what there is");
    shop.app.run_job(JOB).await.unwrap();
    assert_eq!(crm.taken().len(), 1);
}

#[tokio::test]
async fn orders_are_taken_while_crm_is_away_and_contacts_follow_when_it_is_back() {
    let (shop, crm) = shop().await;
    crm.behave(|_| Err(Status::unavailable("away")));
    shop.push(with_buyer("1", "Иван")).await;
    shop.app.run_job(JOB).await.unwrap_err();
    assert_eq!(waiting(&shop).await, 1);
    crm.behave(|_| Ok(()));
    shop.app.run_job(JOB).await.unwrap();
    assert_eq!((waiting(&shop).await, crm.taken().len()), (0, 1));
}

#[tokio::test]
async fn a_contact_crm_refuses_holds_up_nobody_and_is_tried_again_later() {
    let (shop, crm) = shop().await;
    crm.behave(|request| match request.contacts.iter().any(|contact| contact.name == "Бяка") {
        true => Err(Status::invalid_argument("no")),
        false => Ok(()),
    });
    for (id, name) in [("1", "Иван"), ("2", "Бяка"), ("3", "Мария")] {
        shop.push(with_buyer(id, name)).await;
    }
    shop.app.run_job(JOB).await.unwrap();
    assert_eq!((waiting(&shop).await, crm.taken().len()), (1, 2));
    crm.behave(|_| Ok(()));
    shop.app.run_job(JOB).await.unwrap();
    assert_eq!(waiting(&shop).await, 1, "not before its time");
    shop.app.clock.advance(Duration::minutes(1));
    shop.app.run_job(JOB).await.unwrap();
    assert_eq!(waiting(&shop).await, 0);
}

#[tokio::test]
async fn many_contacts_go_in_bounded_batches() {
    let (shop, crm) = shop().await;
    for batch in 0..3 {
        let orders = (0..400)
            .map(|at| wire::PushOrderRequest {
                order: Some(with_buyer(&format!("{batch}-{at}"), "Иван")),
                request_id: String::new(),
            })
            .collect();
        shop.intake().push_orders(wire::PushOrdersRequest { orders }).await.unwrap();
    }
    shop.app.run_job(JOB).await.unwrap();
    let sizes: Vec<_> = crm.seen.lock().unwrap().iter().map(|request| request.contacts.len()).collect();
    assert_eq!(sizes, [500, 500, 200]);
    assert_eq!(waiting(&shop).await, 0);
}
