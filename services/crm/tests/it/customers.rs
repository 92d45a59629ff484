//! The card: by hand, masked, listed, found, tagged.

use proto::common::v1::PageRequest;
use proto::crm::v1::customer_service_client::CustomerServiceClient;
use proto::crm::v1::{
    AddTagRequest, ContactKind, CreateCustomerRequest, CrmEvent, Customer, FindCustomersRequest, GetCustomerRequest,
    ListCustomersRequest, NewContact, RemoveTagRequest, UpdateCustomerRequest, crm_event,
};
use testkit::TestService;
use tonic::{Code, Status};

use crate::support::*;

fn new(kind: ContactKind, value: &str) -> NewContact {
    NewContact { kind: kind.into(), value: value.to_owned() }
}

fn creation(request_id: &str, phone: &str) -> CreateCustomerRequest {
    CreateCustomerRequest {
        request_id: request_id.to_owned(),
        name: "Анна  Каренина".to_owned(),
        region: "RU-TUL".to_owned(),
        contacts: vec![new(ContactKind::Phone, phone), new(ContactKind::Messenger, "Telegram:@Anna")],
    }
}

async fn create(app: &TestService, request: CreateCustomerRequest) -> Result<Customer, Status> {
    Ok(customers(app).create_customer(request).await?.into_inner().customer.unwrap())
}

#[tokio::test]
async fn a_customer_is_made_by_hand_once_a_request() {
    let app = start().await;
    let made = create(&app, creation("r1", "8 900 765 43 21")).await.unwrap();
    assert_eq!(create(&app, creation("r1", "8 900 765 43 21")).await.unwrap(), made);
    assert_eq!((made.source.as_str(), made.region.as_str(), made.contacts_hidden), ("hand", "RU-TUL", true));
    let card = card(&app, &made.customer_id).await;
    let values: Vec<_> = card.contacts.iter().map(|contact| contact.value.as_str()).collect();
    assert!(values.contains(&"+79007654321") && values.contains(&"telegram:anna"), "{values:?}");
    assert_eq!(app.events().await.len(), 1);

    let conflict = create(&app, creation("r1", "8 900 765 43 22")).await.unwrap_err();
    assert_eq!((conflict.code(), reason(&conflict).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_CONFLICT"));
}

#[tokio::test]
async fn a_contact_that_is_taken_is_refused_and_an_order_finds_the_hand_made_customer() {
    let app = start().await;
    let made = create(&app, creation("r1", "+79007654321")).await.unwrap();
    let mut again = creation("r2", "89007654321");
    again.contacts.truncate(1);
    let taken = create(&app, again).await.unwrap_err();
    assert_eq!((taken.code(), reason(&taken).as_str()), (Code::AlreadyExists, "CONTACT_TAKEN"));
    let order = resolve(&app, contact(order_id(1), "+7 900 765-43-21", "")).await;
    assert_eq!((order.customer_id, order.created), (made.customer_id.clone(), false));
    assert_eq!(card(&app, &made.customer_id).await.name, "Анна Каренина", "a name given by hand stays");
    let identified = app.facts::<CrmEvent>("customer_identified").await;
    assert!(matches!(&identified[0].event, Some(crm_event::Event::CustomerIdentified(event)) if event.first_order));
}

#[tokio::test]
async fn creation_of_one_contact_at_once_succeeds_once() {
    let app = start().await;
    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let mut client = customers(&app);
            tokio::spawn(async move { client.create_customer(creation(&format!("r{number}"), "+79007654321")).await })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => made += 1,
            Err(status) => assert_eq!(reason(&status), "CONTACT_TAKEN", "{status}"),
        }
    }
    assert_eq!(made, 1);
}

#[tokio::test]
async fn bad_cards_are_refused_field_by_field() {
    let app = start().await;
    let bad = CreateCustomerRequest {
        request_id: String::new(),
        name: " ".to_owned(),
        region: "r".repeat(65),
        contacts: vec![
            new(ContactKind::Phone, "123"),
            new(ContactKind::Email, "nobody"),
            new(ContactKind::Note, "x"),
            new(ContactKind::Account, "web"),
        ],
    };
    assert_eq!(
        fields(&create(&app, bad).await.unwrap_err()),
        [
            "request_id",
            "name",
            "region",
            "contacts[0].value",
            "contacts[1].value",
            "contacts[2].kind",
            "contacts[3].value",
        ]
    );
    assert!(app.events().await.is_empty());
}

#[tokio::test]
async fn a_card_is_edited_at_its_revision() {
    let app = start().await;
    let made = create(&app, creation("r1", "+79007654321")).await.unwrap();
    let old_phone = card(&app, &made.customer_id).await.contacts[0].contact_id.clone();
    let edit = UpdateCustomerRequest {
        customer_id: made.customer_id.clone(),
        revision: made.revision,
        name: Some("Анна Вронская".to_owned()),
        region: Some("RU-SPE".to_owned()),
        add_contacts: vec![new(ContactKind::Email, "Anna@Example.ru"), new(ContactKind::Messenger, "telegram:anna")],
        remove_contact_ids: vec![old_phone.clone()],
    };
    let edited = customers(&app).update_customer(edit.clone()).await.unwrap().into_inner().customer.unwrap();
    assert_eq!((edited.revision, edited.region.as_str()), (made.revision + 1, "RU-SPE"));
    let after = card(&app, &made.customer_id).await;
    assert_eq!(after.name, "Анна Вронская");
    let values: Vec<_> = after.contacts.iter().map(|contact| contact.value.as_str()).collect();
    assert_eq!(values.len(), 2, "the messenger was there already: {values:?}");
    assert!(values.contains(&"anna@example.ru"));

    let stale = customers(&app).update_customer(edit.clone()).await.unwrap_err();
    assert_eq!((stale.code(), reason(&stale).as_str()), (Code::Aborted, "CUSTOMER_CHANGED"));
    let gone = UpdateCustomerRequest { revision: 0, ..edit.clone() };
    assert_eq!(customers(&app).update_customer(gone).await.unwrap_err().code(), Code::NotFound);
    let unknown = UpdateCustomerRequest { customer_id: order_id(1).to_string(), ..UpdateCustomerRequest::default() };
    assert_eq!(customers(&app).update_customer(unknown).await.unwrap_err().code(), Code::NotFound);
    let free_again = resolve(&app, contact(order_id(1), "+79007654321", "")).await;
    assert!(free_again.created, "a removed phone belongs to nobody");
}

#[tokio::test]
async fn names_and_contacts_are_shown_only_to_those_who_may_and_ask() {
    let app = start().await;
    let id = resolve(&app, contact(order_id(1), "+79001234567", "")).await.customer_id;
    let get = |include_contacts| GetCustomerRequest { customer_id: id.clone(), include_contacts };
    for (permissions, include, shown) in [
        (&["crm.customer.read"][..], true, false),
        (&["crm.customer.read", "crm.contact.read"], false, false),
        (&["crm.customer.read", "crm.contact.read"], true, true),
    ] {
        let mut client = CustomerServiceClient::new(app.client(permissions));
        let card = client.get_customer(get(include)).await.unwrap().into_inner().customer.unwrap();
        assert_eq!(card.contacts_hidden, !shown);
        assert_eq!(card.contacts.is_empty(), !shown);
        assert_eq!(card.name, if shown { "Иван Петров" } else { "И*** П***" });
    }
    let mut stranger = CustomerServiceClient::new(app.client(&["crm.contact.read"]));
    assert_eq!(stranger.get_customer(get(true)).await.unwrap_err().code(), Code::PermissionDenied);
    let unknown = GetCustomerRequest { customer_id: order_id(1).to_string(), include_contacts: false };
    assert_eq!(customers(&app).get_customer(unknown).await.unwrap_err().code(), Code::NotFound);
}

async fn find(app: &TestService, request: FindCustomersRequest) -> Result<Vec<String>, Status> {
    let found = customers(app).find_customers(request).await?.into_inner().customers;
    Ok(found.into_iter().map(|customer| customer.name).collect())
}

#[tokio::test]
async fn customers_are_found_by_phone_email_and_name() {
    let app = start().await;
    for (number, name, phone, email) in [
        (1, "Семён Семёнов", "+79000000001", "s1@example.ru"),
        (2, "Семён Горбунков", "+79000000002", "s2@example.ru"),
        (3, "John Smith", "+79000000003", "s3@example.ru"),
        (4, "100% рыбак_2", "+79000000004", "s4@example.ru"),
    ] {
        let named = proto::crm::v1::OrderContact { name: name.to_owned(), ..contact(order_id(number), phone, email) };
        resolve(&app, named).await;
    }
    let by = |phone: &str, email: &str, name: &str| FindCustomersRequest {
        phone: phone.to_owned(),
        email: email.to_owned(),
        name: name.to_owned(),
    };
    assert_eq!(find(&app, by("8 900 000 00 02", "", "")).await.unwrap(), ["Семён Горбунков"]);
    assert_eq!(find(&app, by("", "S3@EXAMPLE.RU", "")).await.unwrap(), ["John Smith"]);
    assert_eq!(find(&app, by("", "", "семен сем")).await.unwrap()[0], "Семён Семёнов", "a prefix, any case, е for ё");
    assert_eq!(find(&app, by("", "", "smit")).await.unwrap(), ["John Smith"]);
    assert_eq!(find(&app, by("", "", "горбонков")).await.unwrap(), ["Семён Горбунков"], "a slip of the pen");
    assert_eq!(find(&app, by("", "", "% рыбак_")).await.unwrap(), ["100% рыбак_2"], "signs stand for themselves");
    assert!(find(&app, by("", "", "никого такого")).await.unwrap().is_empty());

    assert_eq!(fields(&find(&app, by("", "", "")).await.unwrap_err()), ["phone"]);
    assert_eq!(fields(&find(&app, by("123", "", "")).await.unwrap_err()), ["phone"]);
    assert_eq!(fields(&find(&app, by("", "x", "")).await.unwrap_err()), ["email"]);
    assert_eq!(fields(&find(&app, by("", "", "я")).await.unwrap_err()), ["name"]);
    let mut stranger = CustomerServiceClient::new(app.client(&["crm.customer.read"]));
    let refused = stranger.find_customers(by("", "", "семен")).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

async fn list(app: &TestService, tag: &str, region: &str, grade: &str) -> Vec<String> {
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListCustomersRequest {
            page: Some(PageRequest { page_size: 2, page_token }),
            tag: tag.to_owned(),
            region: region.to_owned(),
            grade: grade.to_owned(),
        };
        let answer = customers(app).list_customers(request).await.unwrap().into_inner();
        assert!(answer.customers.iter().all(|customer| customer.contacts_hidden && customer.contacts.is_empty()));
        seen.extend(answer.customers.into_iter().map(|customer| customer.customer_id));
        page_token = answer.page.unwrap().next_page_token;
        if page_token.is_empty() {
            return seen;
        }
    }
}

#[tokio::test]
async fn customers_are_listed_newest_first_by_tag_region_and_grade() {
    let app = start().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let order = order_id(number);
        let id = resolve(&app, contact(order, &format!("+7900000000{number}"), "")).await.customer_id;
        let region = if number < 3 { "RU-MOW" } else { "RU-SPE" };
        app.deliver(&[placed_with(order, days_ago(1), "10.00", |event| event.region = region.to_owned())])
            .await
            .unwrap();
        if number % 2 == 0 {
            let tag = AddTagRequest { customer_id: id.clone(), tag: "VIP".to_owned() };
            customers(&app).add_tag(tag).await.unwrap();
        }
        ids.push(id);
    }
    let grade = card(&app, &ids[0]).await.grade;
    let pick = |numbers: &[usize]| numbers.iter().map(|number| ids[*number].clone()).collect::<Vec<_>>();
    assert_eq!(list(&app, "", "", "").await, pick(&[4, 3, 2, 1, 0]));
    assert_eq!(list(&app, "vip", "", "").await, pick(&[4, 2, 0]));
    assert_eq!(list(&app, "", "RU-MOW", "").await, pick(&[2, 1, 0]));
    assert_eq!(list(&app, "", "", &grade).await, pick(&[4, 3, 2, 1, 0]));
    assert_eq!(list(&app, "vip", "RU-MOW", &grade).await, pick(&[2, 0]));
    assert!(list(&app, "", "RU-SPE", "A").await.is_empty());

    let bad = ListCustomersRequest { grade: "F".to_owned(), tag: "a b".to_owned(), ..ListCustomersRequest::default() };
    assert_eq!(fields(&customers(&app).list_customers(bad).await.unwrap_err()), ["tag", "grade"]);
}

#[tokio::test]
async fn tags_are_put_on_and_taken_off_once() {
    let app = start().await;
    let customer_id = create(&app, creation("r1", "+79007654321")).await.unwrap().customer_id;
    let add = |tag: &str| AddTagRequest { customer_id: customer_id.clone(), tag: tag.to_owned() };
    let remove = |tag: &str| RemoveTagRequest { customer_id: customer_id.clone(), tag: tag.to_owned() };
    for tag in ["VIP", "vip", "bad"] {
        customers(&app).add_tag(add(tag)).await.unwrap();
    }
    assert_eq!(card(&app, &customer_id).await.tags, ["bad", "vip"]);
    let left = customers(&app).remove_tag(remove("vip")).await.unwrap().into_inner().tags;
    assert_eq!(left, ["bad"]);
    customers(&app).remove_tag(remove("vip")).await.unwrap();
    let told: Vec<Vec<String>> = app
        .facts::<CrmEvent>("customer_tagged")
        .await
        .into_iter()
        .map(|fact| match fact.event {
            Some(crm_event::Event::CustomerTagged(event)) => event.tags,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, [vec!["vip"], vec!["bad", "vip"], vec!["bad"]], "what changed nothing is not told");

    assert_eq!(fields(&customers(&app).add_tag(add("two words")).await.unwrap_err()), ["tag"]);
    for number in 0..49 {
        customers(&app).add_tag(add(&format!("t{number}"))).await.unwrap();
    }
    let refused = customers(&app).add_tag(add("one-more")).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "TOO_MANY_TAGS"));
    customers(&app).add_tag(add("bad")).await.expect("a tag that is there changes nothing");
    let unknown = AddTagRequest { customer_id: order_id(1).to_string(), tag: "x".to_owned() };
    assert_eq!(customers(&app).add_tag(unknown).await.unwrap_err().code(), Code::NotFound);
}
