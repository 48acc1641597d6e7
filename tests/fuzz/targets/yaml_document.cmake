weir_fuzz(yaml_document LIBRARIES weir::document)
