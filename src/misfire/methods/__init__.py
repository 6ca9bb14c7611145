"""The methods, a room each: none of them knows another, nor the tracker."""
