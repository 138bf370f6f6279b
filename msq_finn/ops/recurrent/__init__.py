"""LSTM_MSQ and GRU_MSQ: recurrent layers on row-mixed lanes."""
