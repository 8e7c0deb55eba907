//! French communes with their cells, postcodes and time zones; a lookup, not a geocoder.
