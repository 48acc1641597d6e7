weir_bench(rules LIBRARIES weir::rules)
