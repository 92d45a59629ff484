#!/usr/bin/env python3
"""Recounts the UCI Online Retail file on its own and compares with what the services of Shopfloor report.

    recount.py expected FILE [--limit N]                   prints the expected figures as JSON
    recount.py compare FILE [--limit N] [--url URL] [--token-command COMMAND] [--channel CODE]
                                                           asks the gateway and says OK or what differs (exit 1)

Tokens live for minutes and the comparison may take longer: the command that prints one, by default `shopfloor token`
(after `shopfloor sign-in`), is run again whenever the gateway no longer takes the last one.

It shares nothing with the services or with `shopfloor replay-orders`: only the rules below, written in the
documentation of both. Python's standard library is all it needs.

Rules
- An invoice is an order; of more than 999 lines it is one order for every 999. Its time is that of its first line.
- A line is goods when quantity > 0, price > 0 and the code is not one of POST DOT M D BANK CHARGES AMAZONFEE C2 CRUK S
  PADS B (any letter case) or gift_...; anything else in an invoice is a charge line. Line totals are rounded to the
  penny, half away from zero, each on its own.
- A line of a credit note (invoice C...) with goods and a customer takes back pieces that the same customer bought under
  the same code (letter case counts), the latest sale not after the note first. Less than 24 hours after the sale this
  is a cancellation, later a return. Pieces taken back are worth their share of the sale's line total; when the note
  says another price, the difference is a charge line of its own in an order named after the note.
- What a credit note does not take back is a charge line with a negative price in an order named after the note.
- Opening stock of a code is all that is ever sold of it. What is not cancelled is shipped; what is returned comes back.
"""

import argparse
import collections
import csv
import datetime
import decimal
import gzip
import io
import json
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import zoneinfo

D = decimal.Decimal
PENNY = D("0.01")
LONDON = zoneinfo.ZoneInfo("Europe/London")
NO_GOODS = {"post", "dot", "m", "d", "bank charges", "amazonfee", "c2", "cruk", "s", "pads", "b"}


def penny(x):
    return x.quantize(PENNY, rounding=decimal.ROUND_HALF_UP)


def rows(path, limit):
    opened = gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")
    with opened as raw:
        reader = csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8", newline=""))
        for index, row in enumerate(reader):
            if limit is not None and index >= limit:
                return
            yield (
                row["InvoiceNo"].strip(),
                row["StockCode"].strip(),
                int(row["Quantity"]),
                D(row["UnitPrice"]),
                datetime.datetime.strptime(row["InvoiceDate"], "%Y-%m-%d %H:%M:%S"),
                row["CustomerID"].strip(),
            )


def goods_code(code):
    return code.lower() not in NO_GOODS and not code.startswith("gift_")


class Sale:
    __slots__ = ("time", "bought", "left", "total", "given_back")

    def __init__(self, time, bought, total):
        self.time, self.bought, self.left, self.total = time, bought, bought, total
        self.given_back = D(0)

    def give_back(self, pieces):
        self.left -= pieces
        back_in_all = penny(self.total * (self.bought - self.left) / self.bought)
        worth = back_in_all - self.given_back
        self.given_back = back_in_all
        return worth


def expected(path, limit):
    """All figures, from the file alone."""
    first_time = {}
    lines_of = collections.Counter()
    credit_lines_of = collections.Counter()
    sales = collections.defaultdict(list)
    customers = set()
    stock = collections.Counter()
    received = collections.Counter()
    figures = collections.Counter()
    money = collections.defaultdict(lambda: D(0))
    file_total = D(0)
    for invoice, code, quantity, price, when, customer in rows(path, limit):
        figures["file_lines"] += 1
        file_total += penny(quantity * price)
        if invoice not in first_time:
            first_time[invoice] = when.replace(tzinfo=LONDON).astimezone(datetime.timezone.utc)
        when = first_time[invoice]
        credit_note = invoice.startswith("C")
        if not credit_note:
            lines_of[invoice] += 1
            total = penny(quantity * price)
            money["gross"] += total
            if customer:
                customers.add(customer)
            if quantity > 0 and price > 0 and goods_code(code):
                figures["goods_lines"] += 1
                money["goods"] += total
                received[code] += quantity
                if customer:
                    sales[customer, code].append(Sale(when, quantity, total))
            else:
                figures["charge_lines"] += 1
            continue
        open_pieces = -quantity if quantity < 0 else quantity
        if customer and quantity < 0 and goods_code(code):
            for sale in reversed(sales[customer, code]):
                if open_pieces == 0:
                    break
                if sale.left == 0 or sale.time > when:
                    continue
                pieces = min(open_pieces, sale.left)
                open_pieces -= pieces
                worth = sale.give_back(pieces)
                late = when - sale.time >= datetime.timedelta(hours=24)
                kind = "returned" if late else "cancelled"
                money[kind] += worth
                figures[kind + "_pieces"] += pieces
                stock[code] += pieces
                difference = worth - penny(pieces * price)
                if difference:
                    credit_lines_of[invoice] += 1
                    figures["charge_lines"] += 1
                    figures["price_difference_lines"] += 1
                    money["price_differences"] += difference
                    money["gross"] += difference
                    customers.add(customer)
        if open_pieces:
            credit_lines_of[invoice] += 1
            figures["charge_lines"] += 1
            money["gross"] += penny((open_pieces if quantity > 0 else -open_pieces) * price)
            if customer:
                customers.add(customer)
    parts = lambda counter: sum(-(-n // 999) for n in counter.values())
    result = dict(figures)
    result.update(
        orders=parts(lines_of) + parts(credit_lines_of),
        credit_orders=parts(credit_lines_of),
        order_lines=sum(lines_of.values()) + sum(credit_lines_of.values()),
        customers=len(customers),
        products=len(received),
        received_pieces=sum(received.values()),
        on_hand_pieces=sum(stock.values()),
        **{key: str(value.quantize(PENNY)) for key, value in money.items()},
    )
    for key in ("cancelled_pieces", "returned_pieces"):
        result.setdefault(key, 0)
    for key in ("gross", "cancelled", "returned", "price_differences"):
        result.setdefault(key, "0.00")
    result["net"] = str(D(result["gross"]) - D(result["cancelled"]) - D(result["returned"]))
    # Everything must add up to the file itself, rounded line by line.
    result["file_total"] = str(file_total)
    result["adds_up"] = D(result["net"]) == file_total
    return result, {code: stock.get(code, 0) for code in received}


class Gateway:
    """The least there is to ask a gateway."""

    def __init__(self, url, token_command):
        self.url, self.token_command = url.rstrip("/"), shlex.split(token_command)
        self.token = self.fresh_token()

    def fresh_token(self):
        try:
            printed = subprocess.run(self.token_command, check=True, stdout=subprocess.PIPE, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SystemExit(f"no token: {error}")
        return printed.stdout.strip()

    def ask(self, path, body=None, **query):
        url = self.url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        data = None if body is None else json.dumps(body).encode()
        for attempt in range(6):
            headers = {"authorization": "Bearer " + self.token, "content-type": "application/json"}
            try:
                with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=120) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code == 401 and attempt == 0:
                    self.token = self.fresh_token()
                    continue
                if error.code not in (429, 502, 503, 504) or attempt == 5:
                    raise SystemExit(f"{path}: HTTP {error.code}: {error.read().decode(errors='replace')}")
                time.sleep(float(error.headers.get("retry-after") or 1))

    def pages(self, path, field, **query):
        token = ""
        while True:
            answer = self.ask(path, **query, **{"page.page_size": 500, "page.page_token": token})
            yield from answer.get(field, [])
            token = get(answer.get("page") or {}, "next_page_token", "")
            if not token:
                return


def get(message, name, default=None):
    """A field of a JSON answer, whether it is written in snake_case or lowerCamelCase."""
    head, *rest = name.split("_")
    camel = head + "".join(part.capitalize() for part in rest)
    return message.get(name, message.get(camel, default))


def amount(message, name):
    return D((get(message, name) or {}).get("amount", "0"))


def reported(gateway, channel, codes):
    """The same figures as the services tell them."""
    result = collections.Counter()
    money = collections.defaultdict(lambda: D(0))
    customers = set()
    for order in gateway.pages("/v1/orders", "orders", channel=channel):
        result["orders"] += 1
        money["gross"] += amount(order, "total")
        money["cancelled"] += amount(order, "cancelled_amount")
        money["returned"] += amount(order, "returned_amount")
        if get(order, "customer_id"):
            customers.add(get(order, "customer_id"))
    orders = dict(orders=result["orders"], customers=len(customers), **money)
    orders["net"] = money["gross"] - money["cancelled"] - money["returned"]
    answer = gateway.ask(
        "/v1/kpi/reports/summary",
        {
            "period": {"from": "2010-11-01", "to": "2012-01-31"},
            "filter": {"channels": [channel]},
            "currency": "GBP",
        },
    )
    figures = answer["figures"]
    kpi = dict(
        orders=int(figures.get("orders", 0)),
        customers=int(answer.get("customers", 0)),
        goods_lines=int(figures.get("lines", 0)),
        gross=amount(figures, "placed"),
        cancelled=amount(figures, "cancelled"),
        returned=amount(figures, "returned"),
        net=amount(figures, "revenue"),
    )
    known = {get(customer, "customer_id") for customer in gateway.pages("/v1/customers", "customers")}
    crm = dict(customers=len(customers & known))
    stock, reserved, waiting = {}, D(0), D(0)
    for item in gateway.pages("/v1/erp/items", "items"):
        if item["sku"] in codes:
            stock[item["sku"]] = D(get(item, "on_hand", "0") or "0")
            reserved += D(item.get("reserved", "0") or "0")
            waiting += D(item.get("backordered", "0") or "0")
    erp = dict(products=len(stock), on_hand_pieces=sum(stock.values()), reserved=reserved, backordered=waiting)
    return dict(orders=orders, kpi=kpi, crm=crm, erp=erp), stock


def compare(args):
    figures, stock = expected(args.file, args.limit)
    figures.update(reserved=0, backordered=0)
    gateway = Gateway(args.url, args.token_command)
    services, counted = reported(gateway, args.channel, stock)
    wrong = 0
    print(f"{'service':8} {'figure':16} {'file':>16} {'service says':>16}")
    for service, told in services.items():
        for name, value in told.items():
            good = D(str(figures[name])) == D(str(value))
            wrong += not good
            print(f"{service:8} {name:16} {figures[name]!s:>16} {value!s:>16}{'' if good else '   DIFFERS'}")
    different = {code for code in stock if D(stock[code]) != counted.get(code)}
    print(f"erp      stock of each of {len(stock)} codes: " + ("agrees" if not different else f"{len(different)} DIFFER"))
    for code in sorted(different)[:10]:
        print(f"         {code}: file {stock[code]}, erp {counted.get(code)}")
    if not figures["adds_up"]:
        print("the rules of this recount do not add up to the file")
    if wrong or different or not figures["adds_up"]:
        raise SystemExit(1)
    print("OK: everything agrees")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["expected", "compare"])
    parser.add_argument("file")
    parser.add_argument("--limit", type=int, help="only the first lines of the file")
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="address of the gateway")
    parser.add_argument(
        "--token-command", default="shopfloor token", help="prints an access token that may read everything"
    )
    parser.add_argument("--channel", default="online-retail", help="channel the file was pushed to")
    args = parser.parse_args()
    if args.what == "compare":
        compare(args)
        return
    figures, _ = expected(args.file, args.limit)
    json.dump(figures, sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    main()
