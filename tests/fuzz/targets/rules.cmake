weir_fuzz(rules_sql LIBRARIES weir::rules)
weir_fuzz(rules_eval LIBRARIES weir::rules simdjson::simdjson)
weir_fuzz(rules_json LIBRARIES weir::rules simdjson::simdjson)
