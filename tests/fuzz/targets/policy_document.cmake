weir_fuzz(policy_document LIBRARIES weir::policy)
