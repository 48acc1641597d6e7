weir_bench(storage LIBRARIES weir::storage weir::metering)
