// Package scheme holds the ladders of national and international marking
// schemes and the tables that relate them, loaded from data an officer can
// read and edit, and answers two questions: what is this label ([Tables.Resolve]),
// and what is it over there ([Tables.Map]). [Tables.Prove] proves the laws
// over everything loaded, which is finite.
package scheme
