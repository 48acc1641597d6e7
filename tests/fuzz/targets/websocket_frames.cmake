weir_fuzz(websocket_frames LIBRARIES weir::websocket)
