"""The same claim in idiomatic SQLAlchemy: declarative models and one service function on a session."""
