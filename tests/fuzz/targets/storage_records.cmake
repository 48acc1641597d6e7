weir_fuzz(storage_records LIBRARIES weir::storage)
