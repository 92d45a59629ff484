#!/bin/bash
# Runs once on an empty data folder: one role and one database per service, and one role that reads the figures.
set -euo pipefail
query() { psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "${2:-postgres}" --quiet --command "$1"; }
query "revoke connect, temporary on database postgres from public"
query "create role kpi_reader nologin"
for service in orders erp crm kpi tasks knowledge identity; do
    password=${service^^}_PASSWORD
    query "create role shopfloor_$service login nosuperuser nocreatedb nocreaterole password '${!password}'"
    query "create database shopfloor_$service owner shopfloor_$service"
    query "revoke all on database shopfloor_$service from public"
done
# Grafana: the figures of kpi (schema report) and the server's own statistics, nothing else.
query "create role shopfloor_reader login nosuperuser nocreatedb nocreaterole password '$READER_PASSWORD'"
query "grant kpi_reader, pg_monitor to shopfloor_reader"
query "grant connect on database shopfloor_kpi to shopfloor_reader"
