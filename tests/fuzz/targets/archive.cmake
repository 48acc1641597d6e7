weir_fuzz(archive LIBRARIES weir::archive)
