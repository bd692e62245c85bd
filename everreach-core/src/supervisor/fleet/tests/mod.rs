mod crashes;
mod health;
mod killed;
mod life;
mod sharing;
mod world;
