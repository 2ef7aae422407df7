"""The works calendar: iCalendar read leniently, its occurrences announced at their moments."""
